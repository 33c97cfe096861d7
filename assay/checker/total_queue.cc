#include <algorithm>
#include <unordered_map>
#include <vector>

#include <fmt/format.h>

#include "assay/checker/checkers.h"

namespace assay::checker {
namespace {

// How often one element went in and came out.
struct Element {
  cel::Value key;
  int64_t acknowledged = 0;  // enqueues
  int64_t possible = 0;      // acknowledged and indeterminate enqueues
  int64_t taken = 0;         // acknowledged dequeues
  int64_t maybe_taken = 0;   // indeterminate dequeues that name it
  const Operation* enqueue = nullptr;
  const Operation* failed = nullptr;
  const Operation* dequeue = nullptr;
};

class TotalQueue {
 public:
  explicit TotalQueue(const TotalQueueOptions& options)
      : options_(options),
        findings_(options.witnesses, {"enqueued", "dequeued", "lost", "unexpected", "duplicated",
                                      "recovered", "unnamed"}) {}

  CheckResult Check(std::span<const Operation> operations) {
    for (const Operation& operation : operations) {
      if (operation.op == "enqueue") Enqueue(operation);
      if (operation.op == "dequeue") Dequeue(operation);
      if (operation.op == "drain") Drain(operation);
    }
    if (attempts_ == 0) findings_.Inconclusive("nothing was enqueued");
    if (!took_) findings_.Inconclusive("nothing was dequeued or drained");
    for (const std::string& identity : order_) JudgeIncoming(elements_.at(identity));
    if (took_) {
      for (const std::string& identity : order_) JudgeLoss(elements_.at(identity));
    }
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

  void Unnamed(const Operation& operation) {
    findings_.Doubt("unnamed", "", fmt::format("{} was acknowledged without a key", operation.path),
                    {&operation});
  }

  void Enqueue(const Operation& operation) {
    ++attempts_;
    if (operation.acknowledged()) findings_.Count("enqueued");
    if (operation.key.is_null()) {
      if (operation.acknowledged()) Unnamed(operation);
      unknown_in_ += operation.possible() ? 1 : 0;
      return;
    }
    Element& element = At(operation.key);
    if (!operation.possible()) {
      element.failed = &operation;
      return;
    }
    ++element.possible;
    element.acknowledged += operation.acknowledged() ? 1 : 0;
    if (element.enqueue == nullptr || operation.acknowledged()) element.enqueue = &operation;
  }

  void Take(const cel::Value& key, const Operation& operation) {
    findings_.Count("dequeued");
    Element& element = At(key);
    ++element.taken;
    element.dequeue = &operation;
  }

  void Dequeue(const Operation& operation) {
    if (operation.acknowledged()) {
      took_ = true;
      if (operation.key.is_null()) {
        Unnamed(operation);
        ++unknown_out_;
      } else {
        Take(operation.key, operation);
      }
      return;
    }
    if (!operation.possible()) return;
    if (operation.key.is_null()) {
      ++unknown_out_;
    } else {
      ++At(operation.key).maybe_taken;
    }
  }

  void Drain(const Operation& operation) {
    if (operation.acknowledged() && operation.value.is_list()) {
      took_ = true;
      for (const cel::Value& item : operation.value.list()) Take(item, operation);
      return;
    }
    if (operation.acknowledged()) {
      findings_.Inconclusive(fmt::format("{} gave {}, expected a list of elements", operation.path,
                                         Show(operation.value)));
    } else if (operation.possible()) {
      findings_.Inconclusive(
          fmt::format("nobody knows what {} took out of the queue", operation.path));
    }
  }

  void JudgeIncoming(const Element& element) {
    if (element.taken == 0) return;
    const std::string subject = Show(element.key);
    if (element.possible == 0) {
      const std::string text =
          element.failed == nullptr
              ? fmt::format("{} came out and nobody put it in", subject)
              : fmt::format("{} came out although putting it in failed", subject);
      const auto add = unknown_in_-- > 0 ? &Findings::Doubt : &Findings::Fail;
      (findings_.*add)("unexpected", subject, text, {element.failed, element.dequeue});
      return;
    }
    const int64_t honest = std::min(element.taken, element.possible);
    findings_.Count("recovered", std::max<int64_t>(0, honest - element.acknowledged));
    for (int64_t i = element.possible; i < element.taken; ++i) {
      const auto add = options_.duplicates_allowed ? &Findings::Note : &Findings::Fail;
      (findings_.*add)("duplicated", subject,
                       fmt::format("{} went in {} and came out {} times", subject, element.possible,
                                   element.taken),
                       {element.enqueue, element.dequeue});
    }
  }

  void JudgeLoss(const Element& element) {
    int64_t explained = element.maybe_taken;
    for (int64_t i = element.taken; i < element.acknowledged; ++i) {
      const std::string subject = Show(element.key);
      const std::string text = fmt::format("{} was acknowledged by {} and never came out", subject,
                                           element.enqueue->path);
      const bool doubt = explained-- > 0 || unknown_out_-- > 0;
      const auto add = doubt ? &Findings::Doubt : &Findings::Fail;
      (findings_.*add)("lost", subject, text, {element.enqueue, element.dequeue});
    }
  }

  const TotalQueueOptions& options_;
  Findings findings_;
  std::unordered_map<std::string, Element> elements_;
  std::vector<std::string> order_;
  int64_t attempts_ = 0;
  int64_t unknown_in_ = 0;   // enqueues that may explain an element nobody put in
  int64_t unknown_out_ = 0;  // dequeues that may explain an element that is missing
  bool took_ = false;
};

}  // namespace

CheckResult CheckTotalQueue(std::span<const Operation> operations,
                            const TotalQueueOptions& options) {
  return TotalQueue(options).Check(operations);
}

}  // namespace assay::checker
