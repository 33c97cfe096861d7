#include "assay/checker/finding.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace assay::checker {

using history::Verdict;

int64_t CheckResult::Count(std::string_view name) const {
  const auto found = std::ranges::find(counts, name, [](const auto& count) { return count.first; });
  return found == counts.end() ? 0 : found->second;
}

Findings::Findings(size_t most_witnesses, std::initializer_list<std::string_view> counts)
    : most_(most_witnesses) {
  for (const std::string_view name : counts) result_.counts.emplace_back(name, 0);
}

int64_t& Findings::Slot(std::string_view name) {
  const auto found =
      std::ranges::find(result_.counts, name, [](const auto& count) { return count.first; });
  if (found != result_.counts.end()) return found->second;
  return result_.counts.emplace_back(name, 0).second;
}

void Findings::Count(std::string_view name, int64_t by) { Slot(name) += by; }
void Findings::Set(std::string_view name, int64_t value) { Slot(name) = value; }

Findings::Grade& Findings::GradeOf(Verdict verdict) {
  if (verdict == Verdict::kFailed) return failed_;
  return verdict == Verdict::kInconclusive ? doubted_ : noted_;
}

void Findings::Add(Verdict verdict, std::string_view kind, std::string subject, std::string text,
                   Operations shown) {
  Count(kind);
  Grade& grade = GradeOf(verdict);
  const auto known =
      std::ranges::find(grade.kinds, kind, [](const auto& one) { return one.first; });
  if (known == grade.kinds.end()) {
    grade.kinds.emplace_back(kind, 1);
  } else {
    ++known->second;
  }
  if (++grade.seen > most_) return;
  Witness witness{std::string(kind), std::move(subject), std::move(text), {}};
  for (const Operation* operation : shown) {
    if (operation != nullptr) witness.operations.push_back(*operation);
  }
  grade.kept.push_back(std::move(witness));
}

void Findings::Fail(std::string_view kind, std::string subject, std::string text,
                    Operations shown) {
  Add(Verdict::kFailed, kind, std::move(subject), std::move(text), shown);
}

void Findings::Doubt(std::string_view kind, std::string subject, std::string text,
                     Operations shown) {
  Add(Verdict::kInconclusive, kind, std::move(subject), std::move(text), shown);
}

void Findings::Note(std::string_view kind, std::string subject, std::string text,
                    Operations shown) {
  Add(Verdict::kPassed, kind, std::move(subject), std::move(text), shown);
}

void Findings::Inconclusive(std::string why) { doubts_.push_back(std::move(why)); }

std::string Findings::Reason(Verdict verdict) const {
  if (verdict == Verdict::kPassed) return {};
  const Grade& grade = verdict == Verdict::kFailed ? failed_ : doubted_;
  if (verdict == Verdict::kInconclusive && !doubts_.empty()) {
    return fmt::format("{}", fmt::join(doubts_, "; "));
  }
  std::vector<std::string> parts;
  for (const auto& [kind, count] : grade.kinds) parts.push_back(fmt::format("{} {}", count, kind));
  std::string reason = fmt::format("{}", fmt::join(parts, ", "));
  if (!grade.kept.empty()) reason += ": " + grade.kept.front().text;
  return reason;
}

CheckResult Findings::Finish() && {
  if (failed_.seen > 0) {
    result_.verdict = Verdict::kFailed;
  } else if (doubted_.seen > 0 || !doubts_.empty()) {
    result_.verdict = Verdict::kInconclusive;
  }
  result_.reason = Reason(result_.verdict);
  for (Grade* grade : {&failed_, &doubted_, &noted_}) {
    for (Witness& witness : grade->kept) {
      if (result_.witnesses.size() == most_) break;
      result_.witnesses.push_back(std::move(witness));
    }
  }
  result_.witnesses_left_out =
      failed_.seen + doubted_.seen + noted_.seen - result_.witnesses.size();
  return std::move(result_);
}

}  // namespace assay::checker
