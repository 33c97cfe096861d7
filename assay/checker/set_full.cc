#include <algorithm>
#include <set>
#include <unordered_map>
#include <vector>

#include <fmt/format.h>

#include "assay/cel/text.h"
#include "assay/checker/checkers.h"

namespace assay::checker {
namespace {

struct Read {
  const Operation* operation;
  std::set<std::string, std::less<>> present;
};

struct Element {
  cel::Value key;
  const Operation* add = nullptr;  // the first acknowledged one, else the first possible one
  const Operation* failed = nullptr;
  std::optional<Moment> known;              // acknowledged, or completion of the first read with it
  const Operation* last_present = nullptr;  // the read that was attempted last
  const Operation* last_absent = nullptr;   // after it was known
};

class SetFull {
 public:
  explicit SetFull(const SetFullOptions& options)
      : options_(options),
        findings_(options.witnesses, {"acknowledged", "stable", "lost", "stale", "never_read",
                                      "unexpected", "duplicated", "unnamed", "stale_ns_max"}) {}

  CheckResult Check(std::span<const Operation> operations) {
    for (const Operation& operation : operations) {
      if (operation.op == "add") AddAttempt(operation);
    }
    for (const Operation& operation : operations) {
      const bool usable = operation.op == "read" && operation.acknowledged() &&
                          operation.completed && operation.value.is_list();
      if (usable) AddRead(operation);
    }
    for (auto& [identity, element] : elements_) Place(identity, element);
    for (const std::string& identity : order_) Judge(elements_.at(identity));
    if (reads_.empty()) {
      findings_.Inconclusive("no acknowledged read of a list: what was kept is not known");
    } else if (stable_ + lost_ == 0) {
      findings_.Inconclusive("no element was there long enough to be read");
    }
    findings_.Set("stable", stable_);
    findings_.Set("stale_ns_max", longest_.count());
    return std::move(findings_).Finish();
  }

 private:
  Element& At(const cel::Value& key) {
    auto [at, added] = elements_.try_emplace(Identity(key));
    if (added) {
      at->second.key = key;
      order_.push_back(at->first);
    }
    return at->second;
  }

  void AddAttempt(const Operation& add) {
    if (add.acknowledged()) findings_.Count("acknowledged");
    if (add.key.is_null()) {
      if (add.acknowledged()) {
        findings_.Doubt("unnamed", "", fmt::format("{} was acknowledged without a key", add.path),
                        {&add});
      }
      wildcards_ += add.possible() ? 1 : 0;
      return;
    }
    Element& element = At(add.key);
    if (!add.possible()) {
      element.failed = &add;
      return;
    }
    if (element.add == nullptr || (add.acknowledged() && !element.add->acknowledged())) {
      element.add = &add;
    }
    if (add.acknowledged() && add.completed) Know(element, *add.completed);
  }

  static void Know(Element& element, const Moment& moment) {
    if (!element.known || moment.seq < element.known->seq) element.known = moment;
  }

  void AddRead(const Operation& read) {
    Read& seen = reads_.emplace_back(&read);
    for (const cel::Value& item : read.value.list()) {
      Element& element = At(item);
      Know(element, *read.completed);
      if (seen.present.insert(Identity(item)).second) continue;
      const std::string text = fmt::format("{} stands more than once in {}", Show(item), read.path);
      const auto add = options_.duplicates_allowed ? &Findings::Note : &Findings::Fail;
      (findings_.*add)("duplicated", Show(item), text, {element.add, &read});
    }
  }

  // Reads stand in the order in which they were attempted.
  void Place(const std::string& identity, Element& element) const {
    if (!element.known) return;
    for (const Read& read : reads_) {
      if (read.present.contains(identity)) {
        element.last_present = read.operation;
      } else if (read.operation->attempted.seq > element.known->seq) {
        element.last_absent = read.operation;
      }
    }
  }

  void Judge(const Element& element) {
    if (!element.known) return;  // neither acknowledged nor read
    const std::string subject = Show(element.key);
    const bool tried = element.add != nullptr &&
                       (element.last_present == nullptr ||
                        element.add->attempted.seq < element.last_present->completed->seq);
    if (!tried) {
      const auto add = wildcards_-- > 0 ? &Findings::Doubt : &Findings::Fail;
      (findings_.*add)("unexpected", subject,
                       fmt::format("{} was read and nobody added it before", subject),
                       {element.failed, element.last_present});
      return;
    }
    if (element.last_absent == nullptr) {
      if (element.last_present != nullptr) {
        ++stable_;
      } else {
        findings_.Count("never_read");
      }
      return;
    }
    const bool back = element.last_present != nullptr &&
                      element.last_present->attempted.seq > element.last_absent->attempted.seq;
    if (!back) {
      ++lost_;
      findings_.Fail(
          "lost", subject,
          fmt::format("{} was known and is missing from {}, and from every read after it", subject,
                      element.last_absent->path),
          {element.add, element.last_present, element.last_absent});
      return;
    }
    ++stable_;
    const base::Duration late = element.last_absent->attempted.elapsed - element.known->elapsed;
    longest_ = std::max(longest_, late);
    const std::string text = fmt::format("{} was known and missing from {}, {} later", subject,
                                         element.last_absent->path, cel::FormatDuration(late));
    const auto add = options_.linearizable ? &Findings::Fail : &Findings::Note;
    (findings_.*add)("stale", subject, text,
                     {element.add, element.last_absent, element.last_present});
  }

  const SetFullOptions& options_;
  Findings findings_;
  std::unordered_map<std::string, Element> elements_;
  std::vector<std::string> order_;
  std::vector<Read> reads_;
  int64_t wildcards_ = 0;
  int64_t stable_ = 0;
  int64_t lost_ = 0;
  base::Duration longest_{};
};

}  // namespace

CheckResult CheckSetFull(std::span<const Operation> operations, const SetFullOptions& options) {
  return SetFull(options).Check(operations);
}

}  // namespace assay::checker
