// Histories of systems that are right by construction hold for every checker, whatever runs at the
// same time and whatever is indeterminate; one planted fault of each class is found in all of them.

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <random>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "assay/checker/testing_history.h"

namespace assay::checker {
namespace {

using cel::Value;

constexpr int kHistories = 60;
constexpr size_t kOperations = 120;
constexpr size_t kAtOnce = 5;

using Random = std::mt19937_64;

size_t Below(Random& random, size_t bound) { return static_cast<size_t>(random() % bound); }

// One operation of a worker: `effect` happens at one moment between its begin and its end and may
// put what was seen into the value.
struct Call {
  std::string op;
  Value key;
  Value value = {};
  std::function<void(Operation&)> effect;
  bool sure = false;  // always acknowledged
};

// Several workers at the same time. An indeterminate operation takes effect at any later moment, or
// never; one that failed has none.
History Simulate(Random& random, const std::function<Call()>& next) {
  struct Active {
    size_t number;
    Call call;
    Ending ending;
    bool has_effect;
  };
  History history;
  std::vector<Active> active;
  std::vector<Active> pending;  // indeterminate, answered, not yet in effect
  size_t begun = 0;
  while (begun < kOperations || !active.empty()) {
    if (!pending.empty() && Below(random, 8) == 0) {
      pending.back().call.effect(history.operations()[pending.back().number]);
      pending.pop_back();
    }
    if (begun < kOperations && active.size() < kAtOnce && Below(random, 2) == 0) {
      Call call = next();
      const size_t dice = call.sure ? 0 : Below(random, 10);
      const Ending ending = dice < 8    ? Ending::kAcknowledged
                            : dice == 8 ? Ending::kFailed
                                        : Ending::kIndeterminate;
      const size_t number = history.Begin(call.op, call.key, call.value);
      active.push_back({number, std::move(call), ending, ending == Ending::kFailed});
      ++begun;
      continue;
    }
    if (active.empty()) continue;
    const size_t chosen = Below(random, active.size());
    Active& one = active[chosen];
    if (!one.has_effect && one.ending == Ending::kAcknowledged) {
      one.call.effect(history.operations()[one.number]);
      one.has_effect = true;
      continue;
    }
    history.End(one.number, one.ending);
    if (one.ending == Ending::kIndeterminate && Below(random, 2) == 0) pending.push_back(one);
    active.erase(active.begin() + static_cast<std::ptrdiff_t>(chosen));
  }
  return history;
}

Value ListOf(const std::set<int64_t>& numbers) {
  std::vector<Value> items;
  for (const int64_t number : numbers) items.push_back(Int(number));
  return Value::List(std::move(items));
}

History SetHistory(Random& random) {
  std::set<int64_t> kept;
  int64_t last = 0;
  History history = Simulate(random, [&]() -> Call {
    if (Below(random, 4) == 0) {
      return {"read", {}, {}, [&](Operation& read) { read.value = ListOf(kept); }, true};
    }
    const int64_t element = ++last;
    return {"add", Int(element), {}, [&kept, element](Operation&) { kept.insert(element); }};
  });
  history.Ok("read", {}, ListOf(kept));
  return history;
}

// The last acknowledged add that completed before the last read.
const Operation& SomeAcknowledgedAdd(const History& history, std::string_view op) {
  const auto found = std::ranges::find_if(history.operations(), [&](const Operation& one) {
    return one.op == op && one.acknowledged();
  });
  return *found;
}

Value Without(const Value& list, const Value& element) {
  std::vector<Value> items;
  for (const Value& item : list.list()) {
    if (!cel::Equals(item, element)) items.push_back(item);
  }
  return Value::List(std::move(items));
}

Value With(const Value& list, const Value& element) {
  std::vector<Value> items(list.list().begin(), list.list().end());
  items.push_back(element);
  return Value::List(std::move(items));
}

class Seeded : public testing::TestWithParam<int> {
 protected:
  Random random_{static_cast<uint64_t>(GetParam())};
};

TEST_P(Seeded, SetsHoldAndLosePhantomsAndDuplicatesAreFound) {
  const History right = SetHistory(random_);
  EXPECT_EQ(Said(CheckSet(right.operations())), "passed");
  EXPECT_EQ(Said(CheckSetFull(right.operations(), {.linearizable = true})), "passed");
  const Value lost = SomeAcknowledgedAdd(right, "add").key;
  const auto plant = [&](const std::function<Value(const Value&)>& change) {
    History wrong = right;
    Value& read = wrong.operations().back().value;
    read = change(read);
    return wrong;
  };
  const History loses = plant([&](const Value& read) { return Without(read, lost); });
  EXPECT_EQ(Said(CheckSet(loses.operations())), "failed: 1 lost");
  EXPECT_EQ(Said(CheckSetFull(loses.operations())), "failed: 1 lost");
  const History phantom = plant([&](const Value& read) { return With(read, Int(-1)); });
  EXPECT_EQ(Said(CheckSet(phantom.operations())), "failed: 1 unexpected");
  EXPECT_EQ(Said(CheckSetFull(phantom.operations())), "failed: 1 unexpected");
  const History twice = plant([&](const Value& read) { return With(read, lost); });
  EXPECT_EQ(Said(CheckSet(twice.operations())), "failed: 1 duplicated");
  EXPECT_EQ(Said(CheckSetFull(twice.operations())), "failed: 1 duplicated");
}

TEST_P(Seeded, QueuesHoldAndLossesAndPhantomsAreFound) {
  std::deque<int64_t> queue;
  int64_t last = 0;
  History history = Simulate(random_, [&]() -> Call {
    if (Below(random_, 3) == 0) {
      const auto take = [&](Operation& dequeue) {
        if (queue.empty()) {
          dequeue.ending = Ending::kFailed;
          return;
        }
        dequeue.key = Int(queue.front());
        queue.pop_front();
      };
      return {"dequeue", {}, {}, take, true};
    }
    const int64_t element = ++last;
    return {"enqueue", Int(element), {}, [&, element](Operation&) { queue.push_back(element); }};
  });
  // An empty queue refused; the end of the operation had overwritten that.
  for (Operation& operation : history.operations()) {
    if (operation.op == "dequeue" && operation.key.is_null()) operation.ending = Ending::kFailed;
  }
  std::vector<Value> rest;
  for (const int64_t element : queue) rest.push_back(Int(element));
  history.Ok("drain", {}, Value::List(rest));
  EXPECT_EQ(Said(CheckTotalQueue(history.operations(), {.duplicates_allowed = false})), "passed");

  History loses = history;
  loses.Ok("enqueue", Int(1'000'000));
  EXPECT_EQ(Said(CheckTotalQueue(loses.operations())), "failed: 1 lost");
  History phantom = history;
  phantom.Ok("dequeue", Int(-1));
  EXPECT_EQ(Said(CheckTotalQueue(phantom.operations())), "failed: 1 unexpected");
  History twice = history;
  twice.Ok("enqueue", Int(1'000'000)).Ok("dequeue", Int(1'000'000)).Ok("dequeue", Int(1'000'000));
  EXPECT_EQ(Said(CheckTotalQueue(twice.operations(), {.duplicates_allowed = false})),
            "failed: 1 duplicated");
}

TEST_P(Seeded, CountersHoldAndAWrongReadIsFound) {
  int64_t count = 0;
  const History right = Simulate(random_, [&]() -> Call {
    if (Below(random_, 3) == 0) {
      return {"read", {}, {}, [&](Operation& read) { read.value = Int(count); }, true};
    }
    const auto amount = static_cast<int64_t>(Below(random_, 9)) - 3;
    return {"add", {}, Int(amount), [&count, amount](Operation&) { count += amount; }};
  });
  EXPECT_EQ(Said(CheckCounter(right.operations())), "passed");
  for (const int64_t wrong : {-100'000, 100'000}) {
    History planted = right;
    planted.Ok("read", {}, Int(wrong));
    EXPECT_EQ(Said(CheckCounter(planted.operations())), "failed: 1 wrong");
  }
}

TEST_P(Seeded, IdsAreUniqueAndOneThatComesAgainIsFound) {
  int64_t last = 0;
  History history = Simulate(random_, [&]() -> Call {
    return {"generate", {}, {}, [&](Operation& id) { id.value = Int(++last); }};
  });
  EXPECT_EQ(Said(CheckUniqueIds(history.operations())), "passed");
  history.Ok("generate", {}, SomeAcknowledgedAdd(history, "generate").value);
  EXPECT_EQ(Said(CheckUniqueIds(history.operations())), "failed: 1 duplicated");
}

TEST_P(Seeded, BanksKeepTheirTotalAndMoneyThatVanishesIsFound) {
  std::map<std::string, int64_t> accounts = {{"a", 50}, {"b", 30}, {"c", 20}};
  const auto balances = [&] {
    return Value::Object(
        {{"a", Int(accounts["a"])}, {"b", Int(accounts["b"])}, {"c", Int(accounts["c"])}});
  };
  History history = Simulate(random_, [&]() -> Call {
    if (Below(random_, 2) == 0) {
      return {"read", {}, {}, [&](Operation& read) { read.value = balances(); }, true};
    }
    const std::string from(1, static_cast<char>('a' + Below(random_, 3)));
    const std::string to(1, static_cast<char>('a' + Below(random_, 3)));
    const auto move = [&accounts, from, to](Operation&) {
      const int64_t amount = std::min<int64_t>(accounts[from], 7);
      accounts[from] -= amount;
      accounts[to] += amount;
    };
    return {"transfer", {}, {}, move};
  });
  EXPECT_EQ(Said(CheckBank(history.operations(), {.total = 100})), "passed");
  accounts["a"] -= 1;
  accounts["b"] += 100;
  accounts["c"] += 100;
  history.Ok("read", {}, balances());
  EXPECT_EQ(CheckBank(history.operations(), {.total = 100}).Count("wrong_total"), 1);
}

TEST_P(Seeded, RisingValuesHoldAndAFallIsFound) {
  int64_t value = 0;
  History history = Simulate(random_, [&]() -> Call {
    const auto read = [&](Operation& operation) {
      value += static_cast<int64_t>(Below(random_, 2));
      operation.value = Int(value);
    };
    return {"read", {}, {}, read};
  });
  EXPECT_EQ(Said(CheckMonotonic(history.operations())), "passed");
  history.Ok("read", {}, Int(-1));
  EXPECT_EQ(Said(CheckMonotonic(history.operations())), "failed: 1 regressed");
}

TEST_P(Seeded, RegistersAreLinearizableAndStaleReadsAreFound) {
  std::map<int64_t, int64_t> cells = {{0, 0}, {1, 0}, {2, 0}};
  const History right = Simulate(random_, [&]() -> Call {
    const auto key = static_cast<int64_t>(Below(random_, 3));
    const auto value = static_cast<int64_t>(Below(random_, 4));
    if (Below(random_, 2) == 0) {
      const auto read = [&cells, key](Operation& operation) { operation.value = Int(cells[key]); };
      return {"read", Int(key), {}, read, true};
    }
    return {"write", Int(key), Int(value),
            [&cells, key, value](Operation&) { cells[key] = value; }};
  });
  EXPECT_EQ(Said(CheckRegister(right.operations(), {.initial = Int(0)})), "passed");
  History stale = right;
  stale.Ok("write", Int(0), Int(101)).Ok("write", Int(0), Int(102)).Ok("read", Int(0), Int(101));
  EXPECT_EQ(CheckRegister(stale.operations(), {.initial = Int(0)}).Count("not_linearizable"), 1);
  History invented = right;
  invented.Ok("read", Int(1), Int(-1));
  EXPECT_EQ(CheckRegister(invented.operations(), {.initial = Int(0)}).Count("not_linearizable"), 1);
}

Value Segment(int64_t start, std::vector<Value> samples) {
  return Value::Object({{"start", Int(start)}, {"samples", Value::List(std::move(samples))}});
}

TEST_P(Seeded, SignalsArriveAndEveryDefectIsFound) {
  constexpr int64_t kLength = 400;
  std::vector<Value> signal;
  for (int64_t i = 0; i < kLength; ++i) signal.push_back(Int(static_cast<int64_t>(random_() % 99)));
  const auto cut = [&](History& history, const std::string& op) {
    for (int64_t at = 0; at < kLength;) {
      const int64_t size =
          std::min<int64_t>(kLength - at, 1 + static_cast<int64_t>(random_() % 50));
      history.Ok(op, Str("eeg"), Segment(at, {signal.begin() + at, signal.begin() + at + size}));
      at += size;
    }
  };
  History right;
  cut(right, "send");
  const size_t first = right.operations().size();
  cut(right, "receive");
  EXPECT_EQ(Said(CheckSamples(right.operations())), "passed");

  const size_t middle = first + (right.operations().size() - first) / 2;
  History gap = right;
  gap.operations().erase(gap.operations().begin() + static_cast<std::ptrdiff_t>(middle));
  EXPECT_EQ(CheckSamples(gap.operations()).Count("gaps"), 1);
  History again = right;
  again.operations().push_back(right.operations()[middle]);
  EXPECT_EQ(CheckSamples(again.operations()).Count("overlaps"), 1);
  History altered = right;
  Value& value = altered.operations()[middle].value;
  std::vector<Value> samples(value.Find("samples")->list().begin(),
                             value.Find("samples")->list().end());
  samples[Below(random_, samples.size())] = Int(1000);
  value = Segment(value.Find("start")->int_value(), samples);
  EXPECT_EQ(CheckSamples(altered.operations()).Count("altered"), 1);
}

INSTANTIATE_TEST_SUITE_P(Histories, Seeded, testing::Range(1, kHistories + 1));

}  // namespace
}  // namespace assay::checker
