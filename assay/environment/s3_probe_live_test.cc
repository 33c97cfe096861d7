// The s3 probe against a real S3 service.

#include <cstdlib>

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "assay/environment/environment.h"
#include "lib/http/client.h"
#include "lib/http/uri.h"
#include "lib/net/runtime.h"

namespace assay::environment {
namespace {

base::Result<void> Probe(const std::string& url, base::Duration within) {
  net::Runtime runtime;
  const base::SystemClock clock;
  http::Client client(runtime.executor());
  EnvironmentSpec spec{.name = "staging", .type = EnvironmentType::kRemote};
  ServiceSpec storage{.name = "storage"};
  storage.probes = {{.kind = ProbeKind::kS3,
                     .target = Fixed(url),
                     .within = within,
                     .every = std::chrono::milliseconds(20)}};
  spec.services = {storage};
  auto environment =
      MakeEnvironment(spec, {.clock = clock,
                             .executor = runtime.executor(),
                             .sink = [](std::string_view, std::string_view, boost::json::object,
                                        std::vector<std::string>) {},
                             .http = &client,
                             .run_directory = "/",
                             .inherited = {}})
          .value();
  return runtime.Run(environment->Start(base::Deadline::After(std::chrono::seconds(20))));
}

TEST(S3ProbeLive, KnowsAServiceThatTakesItsKey) {
  const char* url = std::getenv("ASSAY_LIVE_S3");
  if (url == nullptr) GTEST_SKIP() << "ASSAY_LIVE_S3 names no S3 service";
  const auto ready = Probe(url, std::chrono::seconds(10));
  EXPECT_TRUE(ready.has_value()) << ready.error().ToString();
  http::Url wrong = http::ParseUrl(url).value();
  wrong.password = "not-the-secret";
  const auto refused = Probe(wrong.ToString(), std::chrono::milliseconds(200));
  ASSERT_FALSE(refused.has_value());
  EXPECT_TRUE(refused.error().ToString().contains("SignatureDoesNotMatch"));
  EXPECT_FALSE(refused.error().ToString().contains("not-the-secret"));
}

}  // namespace
}  // namespace assay::environment
