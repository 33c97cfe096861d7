// The actions redis, amqp and mqtt without a server: schemas, parameters that are wrong, and errors
// of connections.

#include "assay/action/messaging/messaging.h"

#include <memory>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "assay/action/messaging/amqp_action.h"
#include "assay/action/messaging/amqp_values.h"
#include "assay/action/messaging/mqtt_action.h"
#include "assay/action/messaging/redis_action.h"
#include "assay/action/testing_context.h"

namespace assay::action {
namespace {

using base::ErrorCode;
using cel::Value;
using history::Disposition;
using history::Outcome;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kNobody = "127.0.0.1:1";

Value Words(std::initializer_list<const char*> words) {
  std::vector<Value> list;
  for (const char* word : words) list.push_back(Value::String(word));
  return Value::List(std::move(list));
}

std::string ErrorOf(const Action& action, Value params) {
  TestContext context;
  context.endpoints = {{"cache", std::string("redis://") + kNobody},
                       {"mq", std::string("amqp://") + kNobody},
                       {"sensors", std::string("mqtt://") + kNobody}};
  const Outcome outcome = context.Run(action, std::move(params));
  EXPECT_EQ(outcome.disposition, Disposition::kError);
  return outcome.error ? outcome.error->message : "";
}

TEST(MessagingActions, AreAcceptedByTheSchemaRegistry) {
  scenario::SchemaRegistry registry;
  EXPECT_TRUE(registry.AddAction(RedisAction().schema()).has_value());
  EXPECT_TRUE(registry.AddAction(AmqpAction().schema()).has_value());
  EXPECT_TRUE(registry.AddAction(MqttAction().schema()).has_value());
}

TEST(MessagingActions, SayWhichParameterIsWrong) {
  const auto cache = [](std::string_view name, Value value) {
    return ErrorOf(RedisAction(),
                   Value::Object({{"endpoint", Value::String("cache")}, {name, std::move(value)}}));
  };
  EXPECT_THAT(cache("command", Value::List({})), HasSubstr("\"command\" is not a list of words"));
  EXPECT_THAT(cache("command", Value::List({Value::String("GET"), Value::Null()})),
              HasSubstr("word 2 is null"));
  EXPECT_THAT(cache("commands", Value::List({})), HasSubstr("\"commands\" is not"));
  EXPECT_THAT(cache("subscribe", Value::Object({})), HasSubstr("needs channels or patterns"));
  EXPECT_THAT(cache("subscribe",
                    Value::Object({{"channels", Value::String("a")}, {"count", Value::Int(0)}})),
              HasSubstr("\"count\" is not an integer from 1"));
  const auto mq = [](std::string_view name, Value value) {
    return ErrorOf(AmqpAction(),
                   Value::Object({{"endpoint", Value::String("mq")}, {name, std::move(value)}}));
  };
  EXPECT_THAT(mq("purge", Value::Int(1)), HasSubstr("\"purge\" is not a map, or the name"));
  const auto sensors = [](std::string_view name, Value value) {
    return ErrorOf(MqttAction(), Value::Object({{"endpoint", Value::String("sensors")},
                                                {name, std::move(value)}}));
  };
  EXPECT_THAT(sensors("publish", Value::Object({{"topic", Value::String("a/#")}})),
              HasSubstr("is no topic to publish to"));
  EXPECT_THAT(
      sensors("publish", Value::Object({{"topic", Value::String("a")}, {"qos", Value::Int(3)}})),
      HasSubstr("\"qos\" is not an integer from 0 to 2"));
  EXPECT_THAT(sensors("subscribe", Value::Object({{"topics", Words({"a", "b+"})}})),
              HasSubstr("\"b+\" is no topic filter"));
}

TEST(MessagingActions, SayWhichEndpointIsUnknownOrOfAnotherKind) {
  EXPECT_THAT(ErrorOf(RedisAction(), Value::Object({{"endpoint", Value::String("nobody")},
                                                    {"command", Words({"PING"})}})),
              HasSubstr("no endpoint \"nobody\""));
  EXPECT_THAT(ErrorOf(RedisAction(), Value::Object({{"endpoint", Value::String("mq")},
                                                    {"command", Words({"PING"})}})),
              HasSubstr("expected redis:// or rediss://host:port"));
}

TEST(MessagingActions, SayWhichCertificateIsMissing) {
  const auto with = [](Value tls) {
    return ErrorOf(MqttAction(),
                   Value::Object({{"endpoint", Value::String("sensors")},
                                  {"publish", Value::Object({{"topic", Value::String("a")}})},
                                  {"tls", std::move(tls)}}));
  };
  EXPECT_THAT(with(Value::Object({{"ca", Value::String("no.pem")}})),
              HasSubstr("\"tls.ca\": there is no file"));
}

TEST(MessagingActions, SayWhoDoesNotListen) {
  TestContext context;
  const std::pair<const Action*, Value> cases[] = {
      {new RedisAction,
       Value::Object({{"endpoint", Value::String("redis://u:topsecret@127.0.0.1:1")},
                      {"command", Words({"PING"})}})},
      {new AmqpAction, Value::Object({{"endpoint", Value::String("amqp://u:topsecret@127.0.0.1:1")},
                                      {"depth", Value::String("q")}})},
      {new MqttAction,
       Value::Object({{"endpoint", Value::String("mqtt://u:topsecret@127.0.0.1:1")},
                      {"publish", Value::Object({{"topic", Value::String("t")}})}})}};
  for (const auto& [raw, params] : cases) {
    const std::unique_ptr<const Action> action(raw);
    const Outcome outcome = context.Run(*action, params);
    EXPECT_EQ(outcome.disposition, Disposition::kError);
    ASSERT_TRUE(outcome.error.has_value());
    EXPECT_EQ(outcome.error->code, ErrorCode::kUnavailable) << outcome.error->ToString();
    EXPECT_THAT(outcome.error->message, HasSubstr(kNobody));
    EXPECT_FALSE(outcome.error->hint.empty());
    const std::string transcript = context.blobs().Get(outcome.transcript).value();
    EXPECT_THAT(transcript, Not(HasSubstr("topsecret")));
    EXPECT_THAT(action->Head(params), Not(HasSubstr("topsecret")));
  }
}

TEST(RedisAction, ShowsCommandAndKeyButNoSecret) {
  const auto head = [](Value command) {
    return RedisAction().Head(
        Value::Object({{"endpoint", Value::String("cache")}, {"command", std::move(command)}}));
  };
  EXPECT_EQ(head(Words({"SET", "key", "value"})), "redis cache: SET key");
  EXPECT_EQ(head(Words({"PING"})), "redis cache: PING");
  EXPECT_EQ(head(Words({"auth", "topsecret"})), "redis cache: auth");
}

TEST(AmqpAction, ShowsOperationAndQueue) {
  const auto head = [](std::string_view operation, Value arguments) {
    return AmqpAction().Head(
        Value::Object({{"endpoint", Value::String("mq")}, {operation, std::move(arguments)}}));
  };
  EXPECT_EQ(head("depth", Value::String("jobs")), "amqp mq: depth jobs");
  EXPECT_EQ(head("publish", Value::Object({{"exchange", Value::String("x")}})),
            "amqp mq: publish x");
}

TEST(MessagingBody, IsOneOfTwo) {
  using messaging::ReadBody;
  EXPECT_EQ(ReadBody(Value::Object({})).value(), "");
  EXPECT_EQ(ReadBody(Value::Object({{"body", Value::Bytes("\xff")}})).value(), "\xff");
  EXPECT_EQ(ReadBody(Value::Object({{"json", Value::Object({{"a", Value::Int(1)}})}})).value(),
            R"({"a":1})");
  EXPECT_EQ(ReadBody(Value::Object({{"json", Value::Null()}})).value(), "null");
  EXPECT_FALSE(
      ReadBody(Value::Object({{"json", Value::Int(1)}, {"body", Value::Int(1)}})).has_value());
}

TEST(MessagingBody, ComesAsBytesTextAndJson) {
  const auto shown = [](const std::string& body) {
    cel::MapBuilder map;
    messaging::SetBody(map, body);
    return std::move(map).Build();
  };
  EXPECT_EQ(shown(R"({"a":1})").Find("json")->Find("a")->int_value(), 1);
  EXPECT_TRUE(shown("plain").Find("json")->is_null());
  EXPECT_EQ(shown("plain").Find("text")->string(), "plain");
  EXPECT_EQ(shown("\xff").Find("text")->string(), "");
  EXPECT_EQ(shown("\xff").Find("body")->bytes(), "\xff");
}

TEST(MessagingCollect, EndsWithTheCountOrTheTime) {
  using messaging::Collect;
  using messaging::Collecting;
  const auto at_once = [](base::Deadline) -> base::Result<int> { return 1; };
  const auto never = [](base::Deadline) -> base::Result<int> {
    return base::Fail(ErrorCode::kTimeout, "late");
  };
  const auto collect = [](Collecting wanted, base::Deadline deadline, auto next) {
    std::vector<int> into;
    const auto done = Collect<int>(wanted, deadline, next, into);
    return std::pair(done.has_value(), into.size());
  };
  const auto soon = base::Deadline::After(std::chrono::seconds(20));
  EXPECT_EQ(collect({}, soon, at_once), std::pair(true, size_t{1}));
  EXPECT_EQ(collect({.count = 3}, soon, at_once), std::pair(true, size_t{3}));
  EXPECT_EQ(collect({.limit = std::chrono::seconds(1)}, soon, never), std::pair(true, size_t{0}));
  EXPECT_EQ(collect({.count = 1}, soon, never), std::pair(false, size_t{0}))
      << "nobody asked for an end in time";
}

TEST(AmqpValues, KeepTablesThatAmqpKnows) {
  const Value map = Value::Object({{"n", Value::Int(1)},
                                   {"list", Value::List({Value::Bool(true), Value::Null()})},
                                   {"bytes", Value::Bytes("\xff")},
                                   {"in", Value::Object({{"x", Value::String("y")}})}});
  EXPECT_EQ(messaging::FromTable(messaging::ToTable(map, "headers").value()), map);
  const auto refused = messaging::ToTable(
      Value::Object({{"d", Value::Duration(std::chrono::seconds(1))}}), "publish.headers");
  ASSERT_FALSE(refused.has_value());
  EXPECT_THAT(refused.error().message, HasSubstr("\"publish.headers.d\""));
}

TEST(AmqpValues, ReadWhereAMessageGoes) {
  using messaging::ReadPublication;
  const auto queue = ReadPublication(Value::Object({{"queue", Value::String("jobs")},
                                                    {"json", Value::Int(1)},
                                                    {"expiration", Value::String("1500ms")}}))
                         .value();
  EXPECT_EQ(queue.exchange, "");
  EXPECT_EQ(queue.routing_key, "jobs");
  EXPECT_EQ(queue.properties.content_type, "application/json");
  EXPECT_EQ(queue.properties.expiration, "1500");
  EXPECT_TRUE(queue.properties.persistent);
  EXPECT_FALSE(ReadPublication(Value::Object({{"queue", Value::String("jobs")},
                                              {"routing_key", Value::String("x")}}))
                   .has_value());
  EXPECT_FALSE(ReadPublication(
                   Value::Object({{"queue", Value::String("jobs")}, {"priority", Value::Int(256)}}))
                   .has_value());
}

}  // namespace
}  // namespace assay::action
