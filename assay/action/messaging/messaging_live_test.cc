// The actions redis, amqp and mqtt against real servers of the test's own.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "assay/action/messaging/amqp_action.h"
#include "assay/action/messaging/mqtt_action.h"
#include "assay/action/messaging/redis_action.h"
#include "assay/action/testing_context.h"
#include "lib/net/event.h"
#include "lib/net/gather.h"
#include "lib/net/timer.h"
#include "lib/testing/test_brokers.h"

namespace assay::action {
namespace {

using base::ErrorCode;
using cel::Value;
using history::Disposition;
using history::Outcome;
using testing::HasSubstr;
using testing::Not;
using testing_support::TestBroker;

Value Text(std::string_view text) { return Value::String(text); }

Value Words(std::initializer_list<const char*> words) {
  std::vector<Value> list;
  for (const char* word : words) list.push_back(Text(word));
  return Value::List(std::move(list));
}

// One broker for all cases of a suite.
class MessagingLive : public testing::Test {
 protected:
  using Maker = std::unique_ptr<TestBroker> (*)();

  MessagingLive(const Action& action, std::string scheme, Maker make)
      : action_(action), scheme_(std::move(scheme)), make_(make) {}
  static void TearDownTestSuite() { broker_.reset(); }
  void SetUp() override {
    if (!broker_) broker_ = make_();
    if (!broker_) GTEST_SKIP() << "the server of " << scheme_ << " is not installed";
    ASSERT_NE(broker_->server, nullptr) << broker_->log();
    context_.timeout = std::chrono::seconds(30);
    context_.endpoints["broker"] =
        scheme_ + "://tester:let-me-in@127.0.0.1:" + std::to_string(broker_->port);
    context_.endpoints["secure"] =
        scheme_ + "s://tester:let-me-in@localhost:" + std::to_string(broker_->tls_port);
    context_.endpoints["stranger"] =
        scheme_ + "://tester:wrong-one@127.0.0.1:" + std::to_string(broker_->port);
  }

  Value Params(std::string_view name, Value value, std::string_view endpoint = "broker") const {
    return Value::Object({{"endpoint", Text(endpoint)}, {name, std::move(value)}});
  }
  Outcome Run(std::string_view name, Value value) {
    return context_.Run(action_, Params(name, std::move(value)));
  }
  Outcome Answered(std::string_view name, Value value) {
    Outcome outcome = Run(name, std::move(value));
    EXPECT_EQ(outcome.disposition, Disposition::kAnswered) << outcome.error->ToString();
    return outcome;
  }

  // A listener in the background, and what is done once it says that it is armed.
  Outcome RunArmed(Value listener, Value then) {
    net::Runtime runtime;
    return runtime.Run(Arm(runtime.executor(), std::move(listener), std::move(then)));
  }

  void RefusesAWrongPassword(std::string_view name, Value value) {
    const Outcome refused = context_.Run(action_, Params(name, std::move(value), "stranger"));
    ASSERT_EQ(refused.disposition, Disposition::kError);
    EXPECT_EQ(refused.error->code, ErrorCode::kUnauthorized) << refused.error->ToString();
    EXPECT_THAT(refused.error->ToString(), Not(HasSubstr("wrong-one")));
    EXPECT_THAT(context_.blobs().Get(refused.transcript).value(), Not(HasSubstr("wrong-one")));
  }

  void NeedsACertificateThatItTrusts(std::string_view name, Value value) {
    EXPECT_EQ(context_.Run(action_, Params(name, value, "secure")).error->code,
              ErrorCode::kUnavailable);
    const Outcome trusted = context_.Run(
        action_, Value::Object({{"endpoint", Text("secure")},
                                {name, value},
                                {"tls", Value::Object({{"ca", Text(broker_->authority->ca)}})}}));
    EXPECT_EQ(trusted.disposition, Disposition::kAnswered) << trusted.error->ToString();
  }

  static inline std::unique_ptr<TestBroker> broker_;
  const Action& action_;
  std::string scheme_;
  Maker make_;
  TestContext context_;

 private:
  net::Task<void> Then(net::Executor executor, net::Event& armed, Value params) {
    EXPECT_TRUE((co_await armed.Wait(base::Deadline::After(std::chrono::seconds(20)))).has_value());
    TestContext other;
    other.endpoints = context_.endpoints;
    const Outcome outcome = co_await other.RunOn(executor, action_, std::move(params));
    EXPECT_EQ(outcome.disposition, Disposition::kAnswered) << outcome.error->ToString();
  }
  net::Task<void> Listen(net::Executor executor, Value params, Outcome& outcome) {
    outcome = co_await context_.RunOn(executor, action_, std::move(params));
  }
  net::Task<Outcome> Arm(net::Executor executor, Value listener, Value then) {
    net::Event armed;
    context_.armed = [&] { armed.Set(); };
    Outcome outcome;
    std::vector<net::Task<void>> both;
    both.push_back(Listen(executor, std::move(listener), outcome));
    both.push_back(Then(executor, armed, std::move(then)));
    co_await net::WhenAll(std::move(both));
    co_return outcome;
  }
};

const RedisAction kRedis;
const AmqpAction kAmqp;
const MqttAction kMqtt;

class RedisActionLive : public MessagingLive {
 protected:
  RedisActionLive() : MessagingLive(kRedis, "redis", &TestBroker::Redis) {}
};

TEST_F(RedisActionLive, GivesRepliesWithTheirTypes) {
  EXPECT_EQ(*Answered("command", Words({"SET", "k", "v"})).value.Find("reply"), Text("OK"));
  EXPECT_EQ(*Answered("command", Words({"GET", "k"})).value.Find("reply"), Text("v"));
  EXPECT_TRUE(Answered("command", Words({"GET", "absent"})).value.Find("reply")->is_null());
  EXPECT_EQ(*Answered("command", Words({"EXISTS", "k"})).value.Find("reply"), Value::Int(1));
  Answered("command", Value::List({Text("SET"), Text("raw"), Value::Bytes("\xff")}));
  EXPECT_EQ(*Answered("command", Words({"GET", "raw"})).value.Find("reply"), Value::Bytes("\xff"));
}

TEST_F(RedisActionLive, RunsPipelinesAndTransactions) {
  const Value commands = Value::List({Words({"SET", "n", "1"}), Words({"INCR", "n"})});
  for (const bool multi : {false, true}) {
    const Outcome outcome = context_.Run(kRedis, Value::Object({{"endpoint", Text("broker")},
                                                                {"commands", commands},
                                                                {"multi", Value::Bool(multi)}}));
    ASSERT_EQ(outcome.disposition, Disposition::kAnswered);
    EXPECT_EQ(*outcome.value.Find("replies"), Value::List({Text("OK"), Value::Int(2)}));
  }
}

TEST_F(RedisActionLive, MakesARefusalAnErrorAndKeepsTheReplies) {
  Answered("command", Words({"SET", "text", "x"}));
  const Outcome outcome =
      Run("commands", Value::List({Words({"GET", "text"}), Words({"INCR", "text"})}));
  EXPECT_EQ(outcome.disposition, Disposition::kError);
  EXPECT_EQ(outcome.error->code, ErrorCode::kInvalid);
  EXPECT_THAT(outcome.error->message, HasSubstr("INCR: ERR value is not an integer"));
  EXPECT_EQ(outcome.value.Find("replies")->list()[0], Text("x"));
  EXPECT_EQ(outcome.value.Find("errors")->list().size(), 1U);
}

TEST_F(RedisActionLive, HearsWhatIsPublishedAfterItIsArmed) {
  const Outcome heard =
      RunArmed(Params("subscribe", Value::Object({{"channels", Text("news")},
                                                  {"patterns", Text("log.*")},
                                                  {"count", Value::Int(2)}})),
               Params("commands", Value::List({Words({"PUBLISH", "news", R"({"a": 1})"}),
                                               Words({"PUBLISH", "log.x", "plain"})})));
  ASSERT_EQ(heard.disposition, Disposition::kAnswered) << heard.error->ToString();
  const auto messages = heard.value.Find("messages")->list();
  ASSERT_EQ(messages.size(), 2U);
  EXPECT_EQ(*messages[0].Find("json")->Find("a"), Value::Int(1));
  EXPECT_EQ(*messages[1].Find("pattern"), Text("log.*"));
  EXPECT_EQ(*messages[1].Find("text"), Text("plain"));
}

TEST_F(RedisActionLive, EndsASubscriptionInTimeOrWithTheStep) {
  const Outcome quiet =
      Answered("subscribe", Value::Object({{"channels", Text("quiet")}, {"for", Text("50ms")}}));
  EXPECT_EQ(*quiet.value.Find("count"), Value::Int(0));
  context_.timeout = std::chrono::milliseconds(300);
  const Outcome late = Run("subscribe", Value::Object({{"channels", Text("quiet")}}));
  EXPECT_EQ(late.disposition, Disposition::kError);
  EXPECT_EQ(late.error->code, ErrorCode::kTimeout);
}

TEST_F(RedisActionLive, EndsWhenTheStepIsCancelled) {
  net::Runtime runtime;
  net::Cancellation cancellation;
  context_.armed = [&] { cancellation.Request(); };
  context_.timeout = std::chrono::hours(1);
  const auto task = [](TestContext& context, net::Executor executor,
                       Value params) -> net::Task<base::Result<Outcome>> {
    co_return co_await context.RunOn(executor, kRedis, std::move(params));
  };
  const auto outcome = runtime.Run(
      net::WithCancellation(task(context_, runtime.executor(),
                                 Params("subscribe", Value::Object({{"channels", Text("quiet")}}))),
                            cancellation));
  ASSERT_TRUE(outcome.has_value());
  EXPECT_EQ(outcome->disposition, Disposition::kInterrupted);
}

TEST_F(RedisActionLive, ChecksPasswordsAndCertificates) {
  RefusesAWrongPassword("command", Words({"PING"}));
  NeedsACertificateThatItTrusts("command", Words({"PING"}));
}

class AmqpActionLive : public MessagingLive {
 protected:
  AmqpActionLive() : MessagingLive(kAmqp, "amqp", &TestBroker::RabbitMq) {}
  void SetUp() override {
    MessagingLive::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    queue_ = testing::UnitTest::GetInstance()->current_test_info()->name();
    Answered("declare", Value::Object({{"queue", Text(queue_)}}));
  }
  Outcome Publish(Value body) {
    return Answered("publish", Value::Object({{"queue", Text(queue_)}, {"body", std::move(body)}}));
  }
  std::string queue_;
};

TEST_F(AmqpActionLive, PublishesAndTakesAMessage) {
  const Outcome sent =
      Answered("publish", Value::Object({{"queue", Text(queue_)},
                                         {"json", Value::Object({{"a", Value::Int(1)}})},
                                         {"headers", Value::Object({{"tries", Value::Int(2)}})},
                                         {"correlation_id", Text("c-1")}}));
  EXPECT_TRUE(sent.value.Find("confirmed")->is_true());
  EXPECT_TRUE(sent.value.Find("returned")->is_false());
  EXPECT_EQ(*Answered("depth", Text(queue_)).value.Find("depth"), Value::Int(1));
  const Outcome got = Answered("get", Text(queue_));
  const Value message = got.value.Find("messages")->list()[0];
  EXPECT_EQ(*message.Find("json")->Find("a"), Value::Int(1));
  EXPECT_EQ(*message.Find("headers")->Find("tries"), Value::Int(2));
  EXPECT_EQ(*message.Find("properties")->Find("correlation_id"), Text("c-1"));
  EXPECT_EQ(*message.Find("properties")->Find("content_type"), Text("application/json"));
  EXPECT_EQ(*message.Find("routing_key"), Text(queue_));
  EXPECT_EQ(*Answered("get", Text(queue_)).value.Find("count"), Value::Int(0))
      << "it was acknowledged";
}

TEST_F(AmqpActionLive, ReportsAMessageThatNoQueueTook) {
  const Outcome sent =
      Answered("publish", Value::Object({{"queue", Text("nowhere")}, {"body", Text("x")}}));
  EXPECT_TRUE(sent.value.Find("returned")->is_true());
  EXPECT_EQ(*sent.value.Find("return_reason"), Text("312 NO_ROUTE"));
}

TEST_F(AmqpActionLive, ConsumesWhatIsPublishedAfterItIsArmed) {
  const Outcome heard =
      RunArmed(Params("consume", Value::Object({{"queue", Text(queue_)}})),
               Params("publish", Value::Object({{"queue", Text(queue_)}, {"body", Text("x")}})));
  ASSERT_EQ(heard.disposition, Disposition::kAnswered) << heard.error->ToString();
  EXPECT_EQ(*heard.value.Find("messages")->list()[0].Find("text"), Text("x"));
}

TEST_F(AmqpActionLive, TakesNotOneMessageMoreThanItWants) {
  for (const char* body : {"1", "2", "3"}) Publish(Text(body));
  const Outcome two =
      Answered("consume", Value::Object({{"queue", Text(queue_)}, {"count", Value::Int(2)}}));
  EXPECT_EQ(*two.value.Find("count"), Value::Int(2));
  const Outcome rest = Answered("get", Text(queue_));
  const Value third = rest.value.Find("messages")->list()[0];
  EXPECT_EQ(*third.Find("text"), Text("3"));
  EXPECT_TRUE(third.Find("redelivered")->is_false());
}

TEST_F(AmqpActionLive, GivesBackOrRejectsWhenAsked) {
  Publish(Text("x"));
  const auto consume = [&](const char* ack) {
    return Answered(
        "consume",
        Value::Object({{"queue", Text(queue_)}, {"ack", Text(ack)}, {"for", Text("200ms")}}));
  };
  EXPECT_EQ(*consume("requeue").value.Find("count"), Value::Int(1));
  const Outcome again = consume("reject");
  EXPECT_EQ(*again.value.Find("count"), Value::Int(1));
  EXPECT_TRUE(again.value.Find("messages")->list()[0].Find("redelivered")->is_true());
  EXPECT_EQ(*consume("ack").value.Find("count"), Value::Int(0));
}

TEST_F(AmqpActionLive, DeclaresBindsPurgesAndDeletes) {
  const std::string exchange = queue_ + ".x";
  const std::string limited = queue_ + ".limited";
  Answered("declare", Value::Object({{"exchange", Text(exchange)}, {"type", Text("topic")}}));
  const Outcome declared = Answered(
      "declare", Value::Object({{"queue", Text(limited)},
                                {"ttl", Text("1h")},
                                {"max_priority", Value::Int(5)},
                                {"dead_letter", Value::Object({{"routing_key", Text(queue_)}})},
                                {"arguments", Value::Object({{"x-max-length", Value::Int(9)}})}}));
  EXPECT_EQ(*declared.value.Find("queue"), Text(limited));
  Answered("bind", Value::Object({{"queue", Text(limited)},
                                  {"exchange", Text(exchange)},
                                  {"routing_key", Text("a.*")}}));
  Answered("publish",
           Value::Object(
               {{"exchange", Text(exchange)}, {"routing_key", Text("a.b")}, {"body", Text("x")}}));
  EXPECT_EQ(*Answered("purge", Text(limited)).value.Find("count"), Value::Int(1));
  Answered("delete", Text(limited));
  Answered("delete", Value::Object({{"exchange", Text(exchange)}}));
  const Outcome gone = Run("depth", Text(limited));
  EXPECT_EQ(gone.disposition, Disposition::kError);
  EXPECT_EQ(gone.error->code, ErrorCode::kNotFound);
}

TEST_F(AmqpActionLive, ChecksPasswordsAndCertificates) {
  RefusesAWrongPassword("depth", Text(queue_));
  NeedsACertificateThatItTrusts("depth", Text(queue_));
}

class MqttActionLive : public MessagingLive {
 protected:
  MqttActionLive() : MessagingLive(kMqtt, "mqtt", &TestBroker::Mosquitto) {}
};

TEST_F(MqttActionLive, HearsWhatIsPublishedAfterItIsArmed) {
  for (int qos = 0; qos <= 2; ++qos) {
    const Outcome heard =
        RunArmed(Params("subscribe", Value::Object({{"topics", Words({"open/+/value", "open/x"})},
                                                    {"qos", Value::Int(2)}})),
                 Params("publish", Value::Object({{"topic", Text("open/a/value")},
                                                  {"json", Value::List({Value::Int(1)})},
                                                  {"qos", Value::Int(qos)}})));
    ASSERT_EQ(heard.disposition, Disposition::kAnswered) << heard.error->ToString();
    const Value message = heard.value.Find("messages")->list()[0];
    EXPECT_EQ(*message.Find("topic"), Text("open/a/value"));
    EXPECT_EQ(*message.Find("json"), Value::List({Value::Int(1)}));
    EXPECT_EQ(*message.Find("qos"), Value::Int(qos));
  }
}

TEST_F(MqttActionLive, ShowsWhatWasRetained) {
  Answered("publish", Value::Object({{"topic", Text("open/state")},
                                     {"body", Value::Bytes("\xff")},
                                     {"retain", Value::Bool(true)},
                                     {"qos", Value::Int(1)}}));
  const Outcome kept = Answered("subscribe", Value::Object({{"topics", Text("open/#")}}));
  const Value message = kept.value.Find("messages")->list()[0];
  EXPECT_TRUE(message.Find("retain")->is_true());
  EXPECT_EQ(*message.Find("body"), Value::Bytes("\xff"));
}

TEST_F(MqttActionLive, ChecksPasswordsAndCertificates) {
  RefusesAWrongPassword("publish", Value::Object({{"topic", Text("open/x")}}));
  NeedsACertificateThatItTrusts("publish", Value::Object({{"topic", Text("open/x")}}));
}

}  // namespace
}  // namespace assay::action
