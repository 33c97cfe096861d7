#pragma once
// For tests of actions: runs one action on an event loop with everything it may use.

#include <map>
#include <memory>
#include <string>

#include "assay/action/action.h"
#include "assay/history/blob_store.h"
#include "lib/http/client.h"
#include "lib/net/runtime.h"
#include "lib/testing/temp_dir.h"

namespace assay::action {

class TestContext {
 public:
  std::map<std::string, std::string> endpoints;
  base::Duration timeout = std::chrono::seconds(10);
  uint64_t seed = 7;
  AskOperator ask_operator;
  std::function<void()> armed = [] {};
  Holds holds;

  const testing_support::TempDir& dir() const { return dir_; }
  const history::MemoryBlobs& blobs() const { return blobs_; }

  history::Outcome Run(const Action& action, cel::Value params) {
    net::Runtime runtime;
    return runtime.Run(RunOn(runtime.executor(), action, std::move(params)));
  }

  net::Task<history::Outcome> RunOn(net::Executor executor, const Action& action,
                                    cel::Value params) {
    http::Client client(executor);
    http::CookieJar jar;
    const ActionContext context{
        .clock = clock_,
        .deadline = base::Deadline::After(timeout),
        .blobs = blobs_,
        .http = client,
        .cookies = jar,
        .work_dir = dir_.path().string(),
        .source_dir = dir_.path().string(),
        .seed = seed,
        .find_endpoint = [this](std::string_view name) -> base::Result<Endpoint> {
          const auto found = endpoints.find(std::string(name));
          if (found == endpoints.end()) {
            return base::Fail(base::ErrorCode::kNotFound,
                              "there is no endpoint \"" + std::string(name) + "\"");
          }
          return Endpoint{found->first, found->second};
        },
        .ask_operator = ask_operator,
        .armed = armed,
        .holds = holds};
    co_return co_await action.Run(std::move(params), context);
  }

 private:
  testing_support::TempDir dir_;
  base::SystemClock clock_;
  history::MemoryBlobs blobs_;
};

}  // namespace assay::action
