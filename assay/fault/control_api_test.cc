#include "assay/fault/control_api.h"

#include <boost/json.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/net/runtime.h"

namespace assay::fault {
namespace {

using http::Method;
using net::Task;
using testing::HasSubstr;

struct Reply {
  int status = 0;
  std::string text;
  boost::json::value json() const { return text.empty() ? nullptr : boost::json::parse(text); }
};

class ControlApi : public testing::Test {
 protected:
  ControlApi() : proxies_(7, runtime_.executor(), clock_) {
    router_ = MakeControlApi(proxies_, "1.2.3").value();
  }
  ~ControlApi() override { runtime_.Run(proxies_.Close()); }

  Reply Call(Method method, const std::string& path, const std::string& body = {},
             const std::string& agent = "test") {
    return runtime_.Run(Send(method, path, body, agent));
  }
  Task<Reply> Send(Method method, std::string path, std::string body, std::string agent) {
    http::Request request;
    request.method = method;
    request.method_text = http::ToString(method);
    request.path = request.target = path;
    request.headers.Set("User-Agent", agent);
    http::TextBody text(std::move(body));
    request.reader = &text;
    const http::Response response = co_await router_->Handle(request);
    const auto* made = std::get_if<std::string>(&response.body);
    co_return Reply{.status = response.status, .text = made != nullptr ? *made : ""};
  }
  Reply Add(const std::string& more = "") {
    return Call(
        Method::kPost, "/proxies",
        R"({"name": "db", "listen": "127.0.0.1:0", "upstream": "127.0.0.1:9")" + more + "}");
  }

  base::SystemClock clock_;
  net::Runtime runtime_;
  ProxySet proxies_;
  std::unique_ptr<http::Router> router_;
};

TEST_F(ControlApi, AProxyIsMadeShownChangedAndRemoved) {
  const Reply made = Add();
  EXPECT_EQ(made.status, 201);
  const auto proxy = made.json().as_object();
  EXPECT_EQ(proxy.at("name"), "db");
  EXPECT_EQ(proxy.at("upstream"), "127.0.0.1:9");
  EXPECT_EQ(proxy.at("enabled"), true);
  EXPECT_TRUE(proxy.at("toxics").as_array().empty());
  EXPECT_THAT(std::string(proxy.at("listen").as_string()),
              testing::MatchesRegex("127\\.0\\.0\\.1:[1-9][0-9]*"));

  EXPECT_EQ(Call(Method::kGet, "/proxies/db").json(), made.json());
  EXPECT_EQ(Call(Method::kGet, "/proxies").json().at("db"), made.json());

  const Reply off = Call(Method::kPost, "/proxies/db", R"({"enabled": false})");
  EXPECT_EQ(off.status, 200);
  EXPECT_EQ(off.json().at("enabled"), false);
  EXPECT_EQ(off.json().at("listen"), proxy.at("listen"));
  const Reply moved =
      Call(Method::kPatch, "/proxies/db", R"({"upstream": "127.0.0.1:10", "enabled": true})");
  EXPECT_EQ(moved.json().at("upstream"), "127.0.0.1:10");
  EXPECT_EQ(moved.json().at("enabled"), true);

  EXPECT_EQ(Call(Method::kDelete, "/proxies/db").status, 204);
  EXPECT_EQ(Call(Method::kGet, "/proxies/db").status, 404);
  EXPECT_EQ(Call(Method::kGet, "/proxies").text, "{}");
}

TEST_F(ControlApi, AToxicIsMadeShownChangedAndRemoved) {
  Add();
  const Reply made = Call(Method::kPost, "/proxies/db/toxics",
                          R"({"type": "latency", "attributes": {"latency": 100, "other": 1}})");
  EXPECT_EQ(made.status, 200);
  EXPECT_EQ(made.json(), boost::json::parse(
                             R"({"attributes": {"latency": 100, "jitter": 0},
                                 "name": "latency_downstream", "type": "latency",
                                 "stream": "downstream", "toxicity": 1})"));
  const std::string path = "/proxies/db/toxics/latency_downstream";
  EXPECT_EQ(Call(Method::kGet, path).json(), made.json());
  const Reply changed =
      Call(Method::kPost, path, R"({"attributes": {"jitter": 5}, "toxicity": 0.5})");
  EXPECT_EQ(changed.json().at("attributes"),
            boost::json::parse(R"({"latency": 100, "jitter": 5})"));
  EXPECT_EQ(changed.json().at("toxicity").as_double(), 0.5);
  EXPECT_EQ(Call(Method::kGet, "/proxies/db/toxics").json().as_array().size(), 1U);
  EXPECT_EQ(Call(Method::kGet, "/proxies/db").json().at("toxics").as_array().size(), 1U);
  EXPECT_EQ(Call(Method::kDelete, path).status, 204);
  EXPECT_EQ(Call(Method::kGet, "/proxies/db/toxics").text, "[]");
}

TEST_F(ControlApi, ErrorsAreThoseOfToxiproxy) {
  Add();
  const auto expect = [&](const Reply& reply, int status, const std::string& message) {
    EXPECT_EQ(reply.status, status) << reply.text;
    EXPECT_EQ(reply.json().at("status").as_int64(), status);
    EXPECT_THAT(std::string(reply.json().at("error").as_string()), HasSubstr(message));
  };
  expect(Add(), 409, "proxy already exists");
  expect(Call(Method::kPost, "/proxies", "{"), 400, "bad request body: ");
  expect(Call(Method::kPost, "/proxies", "[]"), 400, "bad request body: ");
  expect(Call(Method::kPost, "/proxies", R"({"upstream": "h:1"})"), 400,
         "missing required field: name");
  expect(Call(Method::kPost, "/proxies", R"({"name": "x"})"), 400,
         "missing required field: upstream");
  expect(Call(Method::kGet, "/proxies/none"), 404, "proxy not found");
  expect(Call(Method::kPost, "/proxies/none", "{}"), 404, "proxy not found");
  expect(Call(Method::kDelete, "/proxies/none"), 404, "proxy not found");
  const std::string toxics = "/proxies/db/toxics";
  expect(Call(Method::kPost, toxics, R"({"type": "nothing"})"), 400, "invalid toxic type");
  expect(Call(Method::kPost, toxics, R"({"type": "latency", "stream": "x"})"), 400,
         "stream was invalid");
  EXPECT_EQ(Call(Method::kPost, toxics, R"({"type": "latency"})").status, 200);
  expect(Call(Method::kPost, toxics, R"({"type": "latency"})"), 409, "toxic already exists");
  expect(Call(Method::kGet, toxics + "/none"), 404, "toxic not found");
  expect(Call(Method::kDelete, toxics + "/none"), 404, "toxic not found");
  expect(Call(Method::kPost, toxics + "/none", "{}"), 404, "toxic not found");
  expect(Call(Method::kPost, toxics, R"({"type": "latency", "attributes": {"latency": "x"}})"), 400,
         "bad request body: ");
}

TEST_F(ControlApi, AProxyThatCannotListenIsNotThere) {
  const Reply first = Add();
  const std::string taken(first.json().at("listen").as_string());
  const Reply second =
      Call(Method::kPost, "/proxies",
           R"({"name": "two", "listen": ")" + taken + R"(", "upstream": "127.0.0.1:9"})");
  EXPECT_EQ(second.status, 500);
  EXPECT_THAT(second.text, HasSubstr("in use"));
  EXPECT_EQ(Call(Method::kGet, "/proxies/two").status, 404);
}

TEST_F(ControlApi, AProxyIsMadeTogetherWithItsToxics) {
  const Reply made = Add(R"(, "toxics": [{"type": "timeout"}, {"type": "latency"}])");
  EXPECT_EQ(made.status, 201);
  EXPECT_EQ(made.json().at("toxics").as_array().size(), 2U);
  EXPECT_EQ(Add(R"(, "name": "b", "toxics": [{"type": "timeout"}, {"type": "timeout"}])").status,
            409);
}

TEST_F(ControlApi, PopulateMakesAllOrSaysWhichIsWrong) {
  const std::string two =
      R"([{"name": "a", "listen": "127.0.0.1:0", "upstream": "127.0.0.1:9"},
          {"name": "b", "listen": "127.0.0.1:0", "upstream": "127.0.0.1:9", "enabled": false}])";
  const Reply made = Call(Method::kPost, "/populate", two);
  EXPECT_EQ(made.status, 201);
  ASSERT_EQ(made.json().at("proxies").as_array().size(), 2U);
  EXPECT_EQ(made.json().at("proxies").at(1).at("enabled"), false);
  const Reply wrong = Call(Method::kPost, "/populate", R"([{"name": "c"}])");
  EXPECT_EQ(wrong.status, 400);
  EXPECT_EQ(wrong.json().at("error"), "missing required field: upstream at proxy 1");
  EXPECT_TRUE(wrong.json().at("proxies").as_array().empty());
  EXPECT_EQ(Call(Method::kPost, "/populate", "{}").status, 400);
  EXPECT_EQ(Call(Method::kGet, "/proxies").json().as_object().size(), 2U);
}

TEST_F(ControlApi, PopulateLeavesAProxyWithTheSameAddressesAlone) {
  const Reply first = Add(R"(, "toxics": [{"type": "timeout"}])");
  const std::string listen(first.json().at("listen").as_string());
  const auto entry = [](const std::string& at, const std::string& to) {
    return R"([{"name": "db", "listen": ")" + at + R"(", "upstream": ")" + to + R"("}])";
  };
  const Reply same = Call(Method::kPost, "/populate", entry(listen, "127.0.0.1:9"));
  EXPECT_EQ(same.json().at("proxies").at(0).at("toxics").as_array().size(), 1U);
  const Reply other = Call(Method::kPost, "/populate", entry(listen, "127.0.0.1:10"));
  EXPECT_EQ(other.status, 201) << other.text;
  EXPECT_TRUE(other.json().at("proxies").at(0).at("toxics").as_array().empty());
}

TEST_F(ControlApi, ResetEnablesAllAndRemovesToxics) {
  Add(R"(, "enabled": false, "toxics": [{"type": "timeout"}])");
  EXPECT_EQ(Call(Method::kPost, "/reset").status, 204);
  const auto proxy = Call(Method::kGet, "/proxies/db").json();
  EXPECT_EQ(proxy.at("enabled"), true);
  EXPECT_TRUE(proxy.at("toxics").as_array().empty());
}

TEST_F(ControlApi, TellsVersionMetricsAndEffects) {
  Add(R"(, "toxics": [{"type": "timeout", "for": "2s", "every": 9000}])");
  EXPECT_EQ(Call(Method::kGet, "/version").json().at("version"), "1.2.3");
  EXPECT_THAT(Call(Method::kGet, "/metrics").text,
              HasSubstr("toxiproxy_proxy_received_bytes_total{direction=\"upstream\""));
  const auto effects = Call(Method::kGet, "/proxies/db/effects").json();
  EXPECT_EQ(effects.at("accepted").as_int64(), 0);
  EXPECT_EQ(effects.at("toxics").at("timeout_downstream").at("closed").as_int64(), 0);
  const auto toxic = Call(Method::kGet, "/proxies/db/toxics/timeout_downstream").json();
  EXPECT_EQ(toxic.at("for"), "2s");
  EXPECT_EQ(toxic.at("every"), "9s");
}

TEST_F(ControlApi, BrowsersAreRefused) {
  EXPECT_EQ(Call(Method::kGet, "/proxies", "", "Mozilla/5.0").status, 403);
}

}  // namespace
}  // namespace assay::fault
