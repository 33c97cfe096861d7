#include "lib/http/router.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/net/runtime.h"

namespace http {
namespace {

using base::ErrorCode;
using testing::ElementsAre;
using testing::HasSubstr;

net::Task<Response> Reply(std::string text) { co_return Response::Text(200, std::move(text)); }

/// A handler that answers with its name and the parameters it was asked for.
Handler Named(std::string name, std::vector<std::string> params = {}) {
  return [name, params](Request& request) {
    std::string text = name;
    for (const std::string& param : params) text += " " + request.params.Get(param);
    return Reply(text);
  };
}

class RouterTest : public testing::Test {
 protected:
  void Add(Method method, std::string path, Handler handler) {
    Route route{.method = method, .path = std::move(path), .handler = std::move(handler)};
    const auto added = router_.Add(std::move(route));
    ASSERT_TRUE(added.has_value()) << added.error().ToString();
  }

  Response Ask(Method method, std::string path, std::string body = {}) {
    Request request;
    request.method = method;
    request.method_text = ToString(method);
    request.path = path;
    request.target = std::move(path);
    TextBody reader(std::move(body));
    request.reader = &reader;
    return runtime_.Run(router_.Handle(request));
  }
  std::string TextOf(Method method, std::string path, std::string body = {}) {
    return std::get<std::string>(Ask(method, std::move(path), std::move(body)).body);
  }

  net::Runtime runtime_;
  Router router_;
};

TEST_F(RouterTest, PicksTheRouteByPathAndMethod) {
  Add(Method::kGet, "/jobs", Named("list"));
  Add(Method::kPost, "/jobs", Named("create"));
  Add(Method::kGet, "/", Named("root"));
  EXPECT_EQ(TextOf(Method::kGet, "/jobs"), "list");
  EXPECT_EQ(TextOf(Method::kPost, "/jobs"), "create");
  EXPECT_EQ(TextOf(Method::kGet, "/"), "root");
}

TEST_F(RouterTest, DecodesParametersAfterSplitting) {
  Add(Method::kGet, "/jobs/{id}/files/{name}", Named("file", {"id", "name"}));
  EXPECT_EQ(TextOf(Method::kGet, "/jobs/7/files/a%2Fb%20c"), "file 7 a/b c");
}

TEST_F(RouterTest, PrefersALiteralAndFallsBackToTheParameter) {
  Add(Method::kGet, "/jobs/{id}", Named("one", {"id"}));
  Add(Method::kGet, "/jobs/latest", Named("latest"));
  Add(Method::kGet, "/jobs/{id}/log", Named("log", {"id"}));
  EXPECT_EQ(TextOf(Method::kGet, "/jobs/latest"), "latest");
  EXPECT_EQ(TextOf(Method::kGet, "/jobs/8"), "one 8");
  EXPECT_EQ(TextOf(Method::kGet, "/jobs/latest/log"), "log latest");
}

TEST_F(RouterTest, RestParameterTakesAllSegments) {
  Add(Method::kGet, "/static/{path*}", Named("static", {"path"}));
  EXPECT_EQ(TextOf(Method::kGet, "/static/a/b/c.js"), "static a/b/c.js");
  EXPECT_EQ(Ask(Method::kGet, "/static").status, 404);
}

TEST_F(RouterTest, UnknownPathIs404) {
  Add(Method::kGet, "/jobs/{id}", Named("one", {"id"}));
  EXPECT_EQ(Ask(Method::kGet, "/nothing").status, 404);
  EXPECT_EQ(Ask(Method::kGet, "/jobs/").status, 404);
  EXPECT_EQ(Ask(Method::kGet, "/jobs/1/").status, 404);
  EXPECT_EQ(Ask(Method::kGet, "relative").status, 404);
}

TEST_F(RouterTest, KnownPathWithAnotherMethodIs405WithAllow) {
  Add(Method::kGet, "/jobs", Named("list"));
  Add(Method::kPost, "/jobs", Named("create"));
  const Response response = Ask(Method::kDelete, "/jobs");
  EXPECT_EQ(response.status, 405);
  EXPECT_EQ(response.headers.Get("allow"), "GET, HEAD, OPTIONS, POST");
}

TEST_F(RouterTest, OptionsAnswersAllowAndHeadUsesGet) {
  Add(Method::kGet, "/jobs", Named("list"));
  const Response options = Ask(Method::kOptions, "/jobs");
  EXPECT_EQ(options.status, 204);
  EXPECT_EQ(options.headers.Get("allow"), "GET, HEAD, OPTIONS");
  EXPECT_EQ(TextOf(Method::kHead, "/jobs"), "list");
}

TEST_F(RouterTest, RefusesDotSegmentsHoweverTheyAreWritten) {
  Add(Method::kGet, "/static/{path*}", Named("static", {"path"}));
  EXPECT_EQ(Ask(Method::kGet, "/static/../etc/passwd").status, 400);
  EXPECT_EQ(Ask(Method::kGet, "/static/%2e%2E/etc/passwd").status, 400);
  EXPECT_EQ(Ask(Method::kGet, "/static/a%00b").status, 400);
  EXPECT_EQ(Ask(Method::kGet, "/static/%zz").status, 400);
}

TEST_F(RouterTest, BodyOverTheLimitOfTheRouteIs413) {
  Route route{.method = Method::kPost,
              .path = "/small",
              .handler = [](Request& request) { return Reply(request.body); },
              .max_body = 4};
  ASSERT_TRUE(router_.Add(std::move(route)).has_value());
  EXPECT_EQ(TextOf(Method::kPost, "/small", "1234"), "1234");
  EXPECT_EQ(Ask(Method::kPost, "/small", "12345").status, 413);
}

TEST_F(RouterTest, RefusesMalformedAndDoubleRoutes) {
  Add(Method::kGet, "/a/{id}", Named("a"));
  const auto add = [&](std::string path) {
    return router_.Add({.method = Method::kGet, .path = std::move(path), .handler = Named("x")});
  };
  EXPECT_EQ(add("/a/{id}").error().code, ErrorCode::kConflict);
  EXPECT_EQ(add("/a/{other}").error().code, ErrorCode::kConflict);
  EXPECT_EQ(add("no-slash").error().code, ErrorCode::kInvalid);
  EXPECT_EQ(add("/a/{rest*}/b").error().code, ErrorCode::kInvalid);
  EXPECT_EQ(add("/a/x{id}").error().code, ErrorCode::kInvalid);
  EXPECT_THAT(add("/a/x{id}").error().message, HasSubstr("/a/x{id}"));
}

net::Task<Response> Marked(Request& request, const Handler& next, std::string mark) {
  Response response = co_await next(request);
  response.headers.Add("Mark", mark + (request.route == nullptr ? "" : request.route->path));
  co_return response;
}

TEST_F(RouterTest, MiddlewareWrapsEveryAnswerAndKnowsTheRoute) {
  Add(Method::kGet, "/jobs/{id}", Named("one", {"id"}));
  for (const std::string mark : {"outer", "inner"}) {
    router_.Use(
        [mark](Request& request, const Handler& next) { return Marked(request, next, mark); });
  }
  EXPECT_THAT(Ask(Method::kGet, "/jobs/1").headers.GetAll("mark"),
              ElementsAre("inner/jobs/{id}", "outer/jobs/{id}"));
  EXPECT_THAT(Ask(Method::kGet, "/nothing").headers.GetAll("mark"), ElementsAre("inner", "outer"));
}

net::Task<Response> Deny(Request& /*request*/, const Handler& /*next*/) {
  co_return Response::Text(401, "who are you");
}

TEST_F(RouterTest, MiddlewareCanAnswerInsteadOfTheHandler) {
  bool reached = false;
  Add(Method::kGet, "/", [&](Request&) {
    reached = true;
    return Reply("secret");
  });
  router_.Use(Deny);
  EXPECT_EQ(Ask(Method::kGet, "/").status, 401);
  EXPECT_FALSE(reached);
}

TEST_F(RouterTest, IntegerParametersAreChecked) {
  PathParams params;
  params.Add("id", "-12");
  params.Add("bad", "12x");
  EXPECT_EQ(params.GetInteger("id").value(), -12);
  EXPECT_EQ(params.GetInteger("bad").error().code, ErrorCode::kInvalid);
}

TEST_F(RouterTest, ListsAllRoutesInTheOrderAdded) {
  Add(Method::kGet, "/b", Named("b"));
  Add(Method::kPost, "/a", Named("a"));
  ASSERT_EQ(router_.routes().size(), 2U);
  EXPECT_EQ(router_.routes()[0]->path, "/b");
  EXPECT_EQ(router_.routes()[1]->method, Method::kPost);
}

}  // namespace
}  // namespace http
