#include "assay/plan/order.h"

#include <algorithm>
#include <charconv>
#include <functional>
#include <map>
#include <numeric>
#include <queue>
#include <set>
#include <tuple>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "lib/base/random.h"
#include "lib/base/suggest.h"

namespace assay::plan {
namespace {

using scenario::Scenario;

std::map<std::string_view, size_t> IndexById(const std::vector<Scenario>& all) {
  std::map<std::string_view, size_t> index;
  for (size_t i = 0; i < all.size(); ++i) index.emplace(all[i].id.text, i);
  return index;
}

bool AnyStep(const std::vector<scenario::Step>& steps,
             const std::function<bool(const scenario::Step&)>& test) {
  return std::ranges::any_of(steps, [&](const scenario::Step& step) {
    return test(step) || std::ranges::any_of(step.blocks, [&](const scenario::StepBlock& block) {
             return AnyStep(block.steps, test);
           });
  });
}

// Depth-first search with an explicit stack: chains may be thousands long.
class CycleFinder {
 public:
  CycleFinder(const std::vector<Scenario>& all, scenario::Problems& problems)
      : all_(all), index_(IndexById(all)), state_(all.size(), State::kNew), problems_(problems) {}

  void Run() {
    for (size_t i = 0; i < all_.size(); ++i) {
      if (state_[i] == State::kNew) Visit(i);
    }
  }

 private:
  enum class State : unsigned char { kNew, kOpen, kDone };
  struct Frame {
    size_t scenario;
    size_t next = 0;
  };

  void Visit(size_t start) {
    std::vector<Frame> stack{{start}};
    state_[start] = State::kOpen;
    while (!stack.empty()) {
      Frame& frame = stack.back();
      const auto& after = all_[frame.scenario].after;
      if (frame.next == after.size()) {
        state_[frame.scenario] = State::kDone;
        stack.pop_back();
        continue;
      }
      const scenario::Text& dependency = after[frame.next++];
      const auto found = index_.find(dependency.text);
      if (found == index_.end()) continue;
      if (state_[found->second] == State::kOpen) {
        Report(stack, found->second, dependency.span);
      } else if (state_[found->second] == State::kNew) {
        state_[found->second] = State::kOpen;
        stack.push_back({found->second});
      }
    }
  }

  void Report(const std::vector<Frame>& stack, size_t first, const base::SourceSpan& span) {
    std::vector<std::string> names;
    bool inside = false;
    for (const Frame& frame : stack) {
      inside = inside || frame.scenario == first;
      if (inside) names.push_back(all_[frame.scenario].id.text);
    }
    names.push_back(all_[first].id.text);
    problems_.Add(base::ErrorCode::kInvalid,
                  fmt::format("the scenarios wait for each other: {}", fmt::join(names, " -> ")),
                  span, "remove one of these `after` entries");
  }

  const std::vector<Scenario>& all_;
  std::map<std::string_view, size_t> index_;
  std::vector<State> state_;
  scenario::Problems& problems_;
};

}  // namespace

void CheckDependencies(const std::vector<Scenario>& all, scenario::Problems& problems) {
  const auto index = IndexById(all);
  std::vector<std::string> ids;
  for (const auto& [id, i] : index) ids.emplace_back(id);
  for (const Scenario& scenario : all) {
    for (const scenario::Text& dependency : scenario.after) {
      if (index.contains(dependency.text)) continue;
      const std::string nearest = base::Nearest(dependency.text, ids);
      problems.Add(base::ErrorCode::kNotFound,
                   fmt::format("unknown scenario \"{}\"", dependency.text), dependency.span,
                   nearest.empty() ? "" : fmt::format("did you mean \"{}\"?", nearest));
    }
  }
  CycleFinder(all, problems).Run();
}

std::vector<size_t> InOrder(const std::vector<Scenario>& all, const std::vector<size_t>& chosen) {
  const auto index = IndexById(all);
  const std::set<size_t> wanted(chosen.begin(), chosen.end());
  std::map<size_t, size_t> waiting;
  std::map<size_t, std::vector<size_t>> dependants;
  for (const size_t i : chosen) {
    std::set<size_t> before;
    for (const scenario::Text& dependency : all[i].after) {
      const auto found = index.find(dependency.text);
      if (found != index.end() && wanted.contains(found->second)) before.insert(found->second);
    }
    waiting[i] = before.size();
    for (const size_t one : before) dependants[one].push_back(i);
  }
  using Rank = std::tuple<scenario::Priority, std::string_view, size_t>;
  const auto rank = [&](size_t i) { return Rank(all[i].priority, all[i].id.text, i); };
  std::priority_queue<Rank, std::vector<Rank>, std::greater<>> free;
  for (const auto& [i, count] : waiting) {
    if (count == 0) free.push(rank(i));
  }
  std::vector<size_t> ordered;
  while (!free.empty()) {
    const size_t i = std::get<2>(free.top());
    free.pop();
    ordered.push_back(i);
    for (const size_t dependant : dependants[i]) {
      if (--waiting[dependant] == 0) free.push(rank(dependant));
    }
  }
  return ordered;
}

std::vector<size_t> GroupsOf(const std::vector<Scenario>& all) {
  const auto index = IndexById(all);
  std::vector<size_t> parent(all.size());
  std::iota(parent.begin(), parent.end(), size_t{0});
  const auto root = [&](size_t i) {
    while (parent[i] != i) i = parent[i] = parent[parent[i]];
    return i;
  };
  // The group's name is its smallest id, whatever the order of the files.
  for (size_t i = 0; i < all.size(); ++i) {
    for (const scenario::Text& dependency : all[i].after) {
      const auto found = index.find(dependency.text);
      if (found == index.end()) continue;
      size_t a = root(i);
      size_t b = root(found->second);
      if (all[b].id.text < all[a].id.text) std::swap(a, b);
      parent[b] = a;
    }
  }
  for (size_t i = 0; i < all.size(); ++i) parent[i] = root(i);
  return parent;
}

std::vector<size_t> OfShard(const std::vector<Scenario>& all, const std::vector<size_t>& chosen,
                            const Shard& shard) {
  const std::vector<size_t> group = GroupsOf(all);
  std::map<size_t, size_t> sizes;
  for (const size_t i : chosen) ++sizes[group[i]];
  struct Entry {
    size_t size;
    uint64_t hash;
    size_t group;
  };
  std::vector<Entry> entries;
  for (const auto& [name, size] : sizes) {
    entries.push_back({size, base::StableHash(all[name].id.text), name});
  }
  std::ranges::sort(entries, [&](const Entry& a, const Entry& b) {
    if (a.size != b.size) return a.size > b.size;
    if (a.hash != b.hash) return a.hash < b.hash;
    return all[a.group].id.text < all[b.group].id.text;
  });
  std::vector<size_t> loads(shard.count);
  std::map<size_t, size_t> shard_of;
  for (const Entry& entry : entries) {
    const auto least = std::ranges::min_element(loads);
    *least += entry.size;
    shard_of[entry.group] = static_cast<size_t>(least - loads.begin()) + 1;
  }
  std::vector<size_t> kept;
  for (const size_t i : chosen) {
    if (shard_of.at(group[i]) == shard.index) kept.push_back(i);
  }
  return kept;
}

bool DividesLoads(const std::vector<Scenario>& all, const std::vector<size_t>& chosen) {
  if (chosen.empty()) return false;
  const std::vector<size_t> group = GroupsOf(all);
  const bool is_one_group =
      std::ranges::all_of(chosen, [&](size_t i) { return group[i] == group[chosen.front()]; });
  return is_one_group && std::ranges::any_of(chosen, [&](size_t i) {
           return AnyStep(all[i].steps, [](const scenario::Step& step) {
             return step.action.text == "workload";
           });
         });
}

bool DividesLoads(const scenario::Project& project, const scenario::Selection& select) {
  std::vector<size_t> chosen;
  for (size_t i = 0; i < project.scenarios.size(); ++i) {
    if (Selects(select, project.scenarios[i])) chosen.push_back(i);
  }
  return DividesLoads(project.scenarios, chosen);
}

void RefuseLedgers(const std::vector<Scenario>& all, const std::vector<size_t>& chosen,
                   scenario::Problems& problems) {
  for (const size_t i : chosen) {
    const bool has_ledger = AnyStep(all[i].steps, [](const scenario::Step& step) {
      return step.record.has_value() || step.action.text == "check";
    });
    if (!has_ledger) continue;
    problems.Add(
        base::ErrorCode::kUnsupported,
        fmt::format("the scenario {} has a ledger: its load cannot be divided among shards",
                    all[i].id.text),
        all[i].id.span, "run it without --shard, or shard several scenarios");
  }
}

base::Result<Shard> ParseShard(std::string_view text) {
  Shard shard;
  const size_t slash = text.find('/');
  const auto read = [](std::string_view digits, size_t& out) {
    const auto result = std::from_chars(digits.data(), digits.data() + digits.size(), out);
    return result.ec == std::errc{} && result.ptr == digits.data() + digits.size();
  };
  if (slash == std::string_view::npos || !read(text.substr(0, slash), shard.index) ||
      !read(text.substr(slash + 1), shard.count) || shard.index < 1 || shard.index > shard.count) {
    return base::Fail(base::ErrorCode::kInvalid,
                      fmt::format("expected a shard such as 2/3, found \"{}\"", text));
  }
  return shard;
}

}  // namespace assay::plan
