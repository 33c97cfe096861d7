// How the client treats answers that a healthy server does not give; client_live_test.cc has the
// rest.

#include "lib/objects/s3/client.h"

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/http/server.h"
#include "lib/net/runtime.h"
#include "lib/objects/s3/upload.h"
#include "lib/testing/temp_dir.h"

namespace objects::s3 {
namespace {

using base::Deadline;
using base::ErrorCode;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using namespace std::chrono_literals;

/// A server that answers what it is told, and the client that asks it.
class S3ClientTest : public testing::Test {
 protected:
  ~S3ClientTest() override {
    if (server_) runtime_.Run(server_->Shutdown(Deadline::After(1ms)));
  }

  /// `answer` gets the number of the request, from 1.
  void Serve(std::function<http::Response(int, http::Request&)> answer) {
    answer_ = std::move(answer);
    auto handler = [this](http::Request& request) -> net::Task<http::Response> {
      auto body = co_await http::ReadAll(*request.reader, 64 << 20, Deadline::After(10s));
      request.body = body.value_or("");
      requests_.push_back(request.method_text + " " + request.target);
      co_return answer_(static_cast<int>(requests_.size()), request);
    };
    server_ = http::Server::Start(runtime_.executors(), handler, {}).value();
  }

  template <typename T>
  base::Result<Reply<T>> Ask(std::function<ReplyTask<T>(Client&)> call, int attempts = 1) {
    http::Client http(runtime_.executor());
    Server server = ParseServer(server_->url()).value();
    server.key.access_key = "KEY";
    server.key.secret_key = "topsecret";
    Client client(http, server, {.attempts = attempts, .observer = observer_});
    return runtime_.Run(call(client));
  }
  base::Result<Reply<ObjectFacts>> Head(int attempts = 1, Deadline deadline = Soon()) {
    return Ask<ObjectFacts>(
        [&](Client& client) { return client.Head({"bucket", "key"}, deadline); }, attempts);
  }

  static Deadline Soon() { return Deadline::After(20s); }
  static http::Response Fails(int status, const std::string& code) {
    http::Response response = http::Response::Text(
        status, "<Error><Code>" + code + "</Code><RequestId>tx-9</RequestId></Error>");
    response.headers.Set("Content-Type", "application/xml");
    return response;
  }

  testing_support::TempDir dir_;
  net::Runtime runtime_;
  std::function<http::Response(int, http::Request&)> answer_;
  std::function<void(const http::ClientRequest&, const base::Result<http::ClientResponse>&)>
      observer_;
  std::unique_ptr<http::Server> server_;
  std::vector<std::string> requests_;
};

TEST_F(S3ClientTest, SignsThePayload) {
  std::string hash;
  std::string authorization;
  Serve([&](int, http::Request& request) {
    hash = request.headers.Get("x-amz-content-sha256").value_or("");
    authorization = request.headers.Get("Authorization").value_or("");
    return http::Response::Empty(200);
  });
  const auto reply = Ask<Stored>(
      [](Client& client) { return client.Put({"bucket", "key"}, std::string("abc"), {}, Soon()); });
  ASSERT_TRUE(reply.has_value()) << reply.error().ToString();
  EXPECT_EQ(hash, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_THAT(authorization, HasSubstr("Credential=KEY/"));
  EXPECT_THAT(authorization, Not(HasSubstr("topsecret")));
}

TEST_F(S3ClientTest, RepeatsWhatIsTransientUntilItWorks) {
  Serve([](int number, http::Request&) {
    if (number == 1) return Fails(503, "SlowDown");
    if (number == 2) return Fails(500, "InternalError");
    return http::Response::Empty(200);
  });
  const auto reply = Head(5);
  ASSERT_TRUE(reply.has_value()) << reply.error().ToString();
  EXPECT_TRUE(reply->accepted());
  EXPECT_EQ(requests_.size(), 3U);
}

TEST_F(S3ClientTest, GivesTheLastAnswerWhenTheAttemptsAreUsedUp) {
  Serve([](int, http::Request&) { return Fails(503, "SlowDown"); });
  const auto reply =
      Ask<Listing>([](Client& client) { return client.List("bucket", {}, Soon()); }, 2);
  ASSERT_TRUE(reply.has_value());
  EXPECT_EQ(reply->status, 503);
  EXPECT_EQ(reply->refusal->code, "SlowDown");
  EXPECT_EQ(reply->request_id, "tx-9");
  EXPECT_EQ(requests_.size(), 2U);
}

TEST_F(S3ClientTest, DoesNotRepeatRefusalsNorWhatMustNotBeSentTwice) {
  Serve([](int, http::Request& request) {
    return request.method_text == "HEAD" ? Fails(403, "AccessDenied") : Fails(500, "InternalError");
  });
  EXPECT_EQ(Head(5)->refusal->code, "Forbidden");
  EXPECT_EQ(requests_.size(), 1U);
  (void)Ask<std::string>(
      [](Client& client) { return client.BeginUpload({"bucket", "key"}, {}, Soon()); }, 5);
  EXPECT_EQ(requests_.size(), 2U);
  (void)Ask<Stored>(
      [](Client& client) {
        return client.Put({"bucket", "key"}, std::string(), {.only_if_absent = true}, Soon());
      },
      5);
  EXPECT_EQ(requests_.size(), 3U);
}

TEST_F(S3ClientTest, DoesNotPauseBeyondTheDeadline) {
  Serve([](int, http::Request&) { return Fails(503, "SlowDown"); });
  const auto started = std::chrono::steady_clock::now();
  const auto reply = Head(1000, Deadline::After(200ms));
  ASSERT_TRUE(reply.has_value() || reply.error().code == ErrorCode::kTimeout);
  EXPECT_LT(std::chrono::steady_clock::now() - started, 2s);
}

TEST_F(S3ClientTest, AClosedPortIsAnError) {
  Serve([](int, http::Request&) { return http::Response::Empty(200); });
  runtime_.Run(server_->Shutdown(Deadline::After(1ms)));
  const auto reply = Head();
  ASSERT_FALSE(reply.has_value());
  EXPECT_EQ(reply.error().code, ErrorCode::kUnavailable);
}

TEST_F(S3ClientTest, AnErrorBehindAStatusOf200IsARefusalOfACopy) {
  Serve([](int, http::Request&) { return Fails(200, "InternalError"); });
  const auto reply = Ask<Stored>(
      [](Client& client) { return client.Copy({"bucket", "a"}, {"bucket", "b"}, {}, Soon()); });
  ASSERT_TRUE(reply.has_value());
  EXPECT_EQ(reply->status, 200);
  ASSERT_FALSE(reply->accepted());
  EXPECT_EQ(reply->refusal->code, "InternalError");
}

TEST_F(S3ClientTest, AnObjectThatLooksLikeAnErrorIsAnObject) {
  Serve([](int, http::Request&) { return Fails(200, "NoSuchKey"); });
  const auto reply =
      Ask<GotObject>([](Client& client) { return client.Get({"bucket", "key"}, {}, Soon()); });
  ASSERT_TRUE(reply.has_value());
  ASSERT_TRUE(reply->accepted());
  EXPECT_THAT(reply->value.content, HasSubstr("NoSuchKey"));
}

TEST_F(S3ClientTest, AnAnswerThatIsNoXmlIsNamedByItsStatus) {
  Serve([](int, http::Request&) { return http::Response::Text(502, "<html>bad gateway"); });
  const auto reply = Ask<Listing>([](Client& client) { return client.List("bucket", {}, Soon()); });
  ASSERT_TRUE(reply.has_value());
  EXPECT_EQ(reply->refusal->code, "BadGateway");
}

TEST_F(S3ClientTest, ADownloadLeavesNoFileWhenItIsRefused) {
  Serve([](int, http::Request&) { return Fails(404, "NoSuchKey"); });
  const std::string path = (dir_ / "object").string();
  const auto reply = Ask<GotObject>(
      [&](Client& client) { return client.Get({"bucket", "key"}, {.download_to = path}, Soon()); });
  ASSERT_TRUE(reply.has_value());
  EXPECT_EQ(reply->refusal->code, "NoSuchKey");
  EXPECT_TRUE(std::filesystem::is_empty(dir_.path()));
}

TEST_F(S3ClientTest, GivesUpThePartsOfAnUploadThatFails) {
  Serve([](int number, http::Request&) {
    if (number == 1) {
      return http::Response::Text(200,
                                  "<InitiateMultipartUploadResult><UploadId>u 1</UploadId>"
                                  "</InitiateMultipartUploadResult>");
    }
    if (number == 2) return http::Response::Empty(200);
    return number == 3 ? Fails(403, "QuotaExceeded") : http::Response::Empty(204);
  });
  const ReadPart read = [](size_t bytes) -> net::Task<base::Result<std::string>> {
    co_return std::string(bytes, 'x');
  };
  const auto reply = Ask<Uploaded>([&](Client& client) {
    return UploadInParts(client, {"bucket", "key"}, {}, 1000, read, Soon());
  });
  ASSERT_TRUE(reply.has_value()) << reply.error().ToString();
  EXPECT_EQ(reply->refusal->code, "QuotaExceeded");
  EXPECT_THAT(requests_, ElementsAre("POST /bucket/key?uploads=",
                                     "PUT /bucket/key?partNumber=1&uploadId=u%201",
                                     "PUT /bucket/key?partNumber=2&uploadId=u%201",
                                     "DELETE /bucket/key?uploadId=u%201"));
}

TEST_F(S3ClientTest, GivesUpThePartsWhenTheContentBreaksOff) {
  Serve([](int number, http::Request&) {
    return number == 1 ? http::Response::Text(200,
                                              "<InitiateMultipartUploadResult><UploadId>u"
                                              "</UploadId></InitiateMultipartUploadResult>")
                       : http::Response::Empty(204);
  });
  const ReadPart read = [](size_t) -> net::Task<base::Result<std::string>> {
    co_return base::Fail(ErrorCode::kIo, "the line broke");
  };
  const auto reply = Ask<Uploaded>([&](Client& client) {
    return UploadInParts(client, {"bucket", "key"}, {}, 1000, read, Soon());
  });
  ASSERT_FALSE(reply.has_value());
  EXPECT_EQ(reply.error().message, "the line broke");
  EXPECT_EQ(requests_.back(), "DELETE /bucket/key?uploadId=u");
}

TEST_F(S3ClientTest, TheObserverSeesEachRequest) {
  Serve([](int number, http::Request&) {
    return number == 1 ? Fails(503, "SlowDown") : http::Response::Empty(200);
  });
  std::vector<int> statuses;
  observer_ = [&](const http::ClientRequest& request, const auto& response) {
    EXPECT_TRUE(request.headers.Has("Authorization"));
    statuses.push_back(response->status);
  };
  ASSERT_TRUE(Head(3).has_value());
  EXPECT_THAT(statuses, ElementsAre(503, 200));
}

TEST_F(S3ClientTest, RefusesToPresignWithoutKeyOrForTooLong) {
  http::Client http(runtime_.executor());
  const Client anonymous(http, ParseServer("http://127.0.0.1:1").value());
  EXPECT_EQ(anonymous.Presign("GET", {"b", "k"}, 60s).error().code, ErrorCode::kInvalid);
  const Client client(http, ParseServer("http://KEY:SECRET@127.0.0.1:1").value());
  EXPECT_THAT(client.Presign("GET", {"b", "k", "v1"}, 60s).value(),
              HasSubstr("http://127.0.0.1:1/b/k?versionId=v1&X-Amz-Algorithm="));
  EXPECT_FALSE(client.Presign("GET", {"b", "k"}, 0s).has_value());
  EXPECT_FALSE(client.Presign("GET", {"b", "k"}, 604801s).has_value());
}

}  // namespace
}  // namespace objects::s3
