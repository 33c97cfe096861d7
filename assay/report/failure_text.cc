#include "assay/report/failure_text.h"

#include <algorithm>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "assay/report/dialogue.h"
#include "assay/report/exchange.h"
#include "lib/base/span.h"
#include "lib/base/units.h"
#include "lib/json/canonical.h"

namespace assay::report {
namespace {

using boost::json::object;
using boost::json::value;
using history::ExpectationResult;
using history::ScenarioResult;
using history::StepResult;
using history::Verdict;

constexpr std::string_view kBlue = "1;34";
constexpr std::string_view kBold = "1";
constexpr size_t kBodyLines = 12;

std::string Escape(std::string_view text, std::string_view code, const TextStyle& style) {
  return style.color ? fmt::format("\x1b[{}m{}\x1b[0m", code, text) : std::string(text);
}

std::string Text(const value& from, std::string_view key) {
  if (!from.is_object()) return {};
  const value* found = from.get_object().if_contains(key);
  return found != nullptr && found->is_string() ? std::string(found->get_string()) : "";
}

const boost::json::array* List(const value& from, std::string_view key) {
  if (!from.is_object()) return nullptr;
  const value* found = from.get_object().if_contains(key);
  return found != nullptr ? found->if_array() : nullptr;
}

// The line of an input file as it was during the run: inputs are blobs.
std::string SourceLine(const std::string& file, uint32_t line, const ReportInput& input) {
  const value* inputs = input.model.manifest.if_contains("inputs");
  if (inputs == nullptr || !inputs->is_array()) return {};
  for (const value& entry : inputs->get_array()) {
    if (Text(entry, "file") != file) continue;
    const std::string blob = Text(entry, "blob");
    const auto bytes = input.read_blob(blob.empty() ? Text(entry, "sha256") : blob);
    if (!bytes) return {};
    return std::string(base::SourceText(file, *bytes).Line(line));
  }
  return {};
}

class Block {
 public:
  explicit Block(const TextStyle& style) : style_(style) {}

  void Title(Verdict verdict, std::string_view what) {
    text_ += Painted(std::string(ToString(verdict)), verdict, style_) +
             Escape(": " + OneLine(what, style_.width), kBold, style_) + "\n";
  }

  /// The whole line, where only the line is known.
  void PlaceLine(const std::string& file, uint32_t line, const ReportInput& input) {
    const std::string source = SourceLine(file, line, input);
    const size_t begin = source.find_first_not_of(" -\t");
    if (begin == std::string::npos) return Place(file, line, 1, 1, input);
    Place(file, line, static_cast<uint32_t>(begin + 1), source.size() - begin, input);
  }

  void Place(const std::string& file, uint32_t line, uint32_t column, size_t length,
             const ReportInput& input) {
    if (file.empty()) return;
    const std::string number = fmt::format("{}", line);
    gutter_ = std::string(number.size() + 1, ' ');
    text_ += fmt::format("{}{} {}:{}:{}\n", std::string(number.size(), ' '),
                         Escape("-->", kBlue, style_), file, line, std::max(column, 1U));
    std::string source = SourceLine(file, line, input);
    if (source.empty()) return;
    std::ranges::replace(source, '\t', ' ');
    const size_t start = std::min<size_t>(std::max(column, 1U) - 1, source.size());
    const size_t carets = std::clamp<size_t>(length, 1, std::max<size_t>(source.size() - start, 1));
    text_ += gutter_ + Escape("|", kBlue, style_) + "\n";
    text_ += fmt::format("{} {} {}\n", Escape(number, kBlue, style_), Escape("|", kBlue, style_),
                         source);
    text_ +=
        fmt::format("{}{} {}{}\n", gutter_, Escape("|", kBlue, style_), std::string(start, ' '),
                    Painted(std::string(carets, '^'), Verdict::kFailed, style_));
  }

  void Fact(std::string_view label, std::string_view what) {
    text_ += fmt::format("{}{} {:<9}{}\n", gutter_, Escape("=", kBlue, style_), label,
                         OneLine(what, style_.width));
  }

  /// Below a fact, indented by `depth` steps.
  void Detail(std::string_view what, size_t depth = 0) {
    text_ += fmt::format("{}    {}{}\n", gutter_, std::string(depth * 2, ' '),
                         OneLine(what, style_.width));
  }

  std::string Take() { return std::move(text_); }

 private:
  const TextStyle& style_;
  std::string gutter_ = " ";
  std::string text_;
};

/// What a part of an expression came out as; the message when that was an error.
std::string Came(const value& node) {
  const std::string error = Text(node, "error");
  return error.empty() ? Text(node, "value") : "error: " + error;
}

void AddNodes(Block& block, const boost::json::array& nodes, size_t depth) {
  size_t widest = 0;
  for (const value& node : nodes) widest = std::max(widest, Text(node, "expression").size());
  widest = std::min<size_t>(widest, 40);
  for (const value& node : nodes) {
    const std::string expression = Text(node, "expression");
    block.Detail(fmt::format("{:<{}}  {}", expression, widest, Came(node)), depth);
    if (const std::string note = Text(node, "note"); !note.empty())
      block.Detail("^ " + note, depth + 1);
    if (const std::string element = Text(node, "element"); !element.empty()) {
      block.Detail(fmt::format("decided by {} = {}", element, Text(node, "element_value")),
                   depth + 1);
    }
    if (const auto* details = List(node, "details"); details != nullptr)
      AddNodes(block, *details, depth + 1);
  }
}

void AddExplanation(Block& block, const ExpectationResult& expectation) {
  const auto* nodes = List(expectation.explanation, "nodes");
  if (nodes != nullptr && !nodes->empty()) {
    block.Fact("values", "");
    AddNodes(block, *nodes, 0);
  }
  if (const auto* vacuous = List(expectation.explanation, "vacuous"); vacuous != nullptr) {
    for (const value& macro : *vacuous) {
      if (macro.is_string()) {
        block.Fact("note", fmt::format("{} holds only because its list is empty",
                                       std::string(macro.get_string())));
      }
    }
  }
}

void AddLines(Block& block, std::string_view text) {
  for (size_t shown = 0; !text.empty(); ++shown) {
    if (shown == kBodyLines) {
      block.Detail("...");
      return;
    }
    const size_t end = text.find('\n');
    block.Detail(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
}

/// What came back, as its transcript has it; false when nothing did.
bool AddAnswer(Block& block, std::string_view transcript, const ReportInput& input) {
  if (const auto exchange = ReadExchange(transcript, input)) {
    if (exchange->status == 0) return false;
    const Message& answer = exchange->response;
    block.Fact("answer", fmt::format("{}{}{}", exchange->status,
                                     answer.media_type.empty() ? "" : ", ", answer.media_type));
    AddLines(block, answer.body);
    return true;
  }
  const auto dialogue = ReadDialogue(transcript, input);
  const Utterance* answer = dialogue ? dialogue->answer() : nullptr;
  if (answer == nullptr) return false;
  block.Fact("answer", answer->head);
  std::string text = answer->body;
  for (const auto& row : answer->rows) {
    text += fmt::format("{}{}", text.empty() ? "" : "\n", fmt::join(row, "  "));
  }
  AddLines(block, text);
  return true;
}

void AddExchange(Block& block, const StepResult& step, int attempt, const ReportInput& input) {
  for (const auto& candidate : step.attempts) {
    if (candidate.attempt != attempt && candidate.attempt != static_cast<int>(step.attempts.size()))
      continue;
    if (AddAnswer(block, candidate.transcript, input)) return;
  }
}

std::string StepTitle(const StepResult& step) {
  std::string title = step.name.empty() ? step.id : step.name;
  if (title.empty()) return step.head.empty() ? step.action : step.head;
  if (!step.head.empty() && step.head != title) title += ": " + step.head;
  return title;
}

void AddReplay(Block& block, const ScenarioResult& scenario, const ReportInput& input) {
  const value* seed = input.model.manifest.if_contains("seed");
  const bool known = seed != nullptr && seed->is_string();
  block.Fact("again",
             fmt::format("assay run --filter '{}'{}", scenario.id,
                         known ? " --seed " + std::string(seed->get_string()) : std::string()));
}

std::string ExpectationText(const ScenarioResult& scenario, const StepResult* step,
                            const ExpectationResult& expectation, const ReportInput& input,
                            const TextStyle& style) {
  Block block(style);
  block.Title(expectation.verdict, expectation.expression);
  block.Place(expectation.file, expectation.line, expectation.column, expectation.expression.size(),
              input);
  if (step != nullptr) {
    block.Fact("step",
               fmt::format("{} ({})", StepTitle(*step), base::HumanDuration(step->duration)));
    if (expectation.role == "until") {
      block.Fact("poll", fmt::format("gave up after {} attempts", step->attempts.size()));
    }
  } else {
    block.Fact("over", "the whole scenario " + scenario.instance);
  }
  AddExplanation(block, expectation);
  if (step != nullptr) AddExchange(block, *step, expectation.attempt, input);
  AddReplay(block, scenario, input);
  return block.Take();
}

std::string StepText(const ScenarioResult& scenario, const StepResult& step,
                     const ReportInput& input, const TextStyle& style) {
  Block block(style);
  std::string hint;
  std::string message = step.reason;
  if (!step.attempts.empty()) {
    const value& error = step.attempts.back().error;
    if (const std::string found = Text(error, "message"); !found.empty()) message = found;
    hint = Text(error, "hint");
  }
  block.Title(step.verdict, message.empty() ? StepTitle(step) : message);
  block.PlaceLine(step.file, step.line, input);
  block.Fact("step", fmt::format("{} ({})", StepTitle(step), base::HumanDuration(step.duration)));
  if (!hint.empty()) block.Fact("hint", hint);
  if (!step.attempts.empty()) AddExchange(block, step, step.attempts.back().attempt, input);
  AddReplay(block, scenario, input);
  return block.Take();
}

bool ShownByAChild(const StepResult& step) {
  return std::ranges::any_of(step.children, [&](const StepResult& child) {
    return child.verdict != Verdict::kPassed && child.verdict != Verdict::kSkipped;
  });
}

}  // namespace

std::string Painted(std::string_view text, Verdict verdict, const TextStyle& style) {
  switch (verdict) {
    case Verdict::kPassed:
      return Escape(text, "32", style);
    case Verdict::kSkipped:
      return Escape(text, "90", style);
    case Verdict::kInconclusive:
      return Escape(text, "35", style);
    case Verdict::kError:
      return Escape(text, "1;33", style);
    case Verdict::kFailed:
      return Escape(text, "1;31", style);
  }
  std::unreachable();
}

std::string OneLine(std::string_view text, size_t width) {
  std::string line(text.substr(0, width + 1));
  std::ranges::replace_if(line, [](char c) { return c == '\n' || c == '\r' || c == '\t'; }, ' ');
  if (line.size() <= width) return line;
  size_t end = width > 3 ? width - 3 : 0;
  while (end > 0 && (static_cast<unsigned char>(line[end]) & 0xC0) == 0x80)
    --end;  // not inside a UTF-8 sequence
  return line.substr(0, end) + "...";
}

std::vector<std::string> FailureTexts(const ScenarioResult& scenario, const ReportInput& input,
                                      const TextStyle& style) {
  std::vector<std::string> texts;
  const auto visit = [&](const StepResult& step) {
    if (step.verdict == Verdict::kPassed || step.verdict == Verdict::kSkipped) return;
    const size_t before = texts.size();
    for (const ExpectationResult& expectation : step.expectations) {
      const bool last = expectation.attempt >= static_cast<int>(step.attempts.size());
      if (expectation.verdict == Verdict::kPassed || (expectation.role == "until" && !last))
        continue;
      if (last) texts.push_back(ExpectationText(scenario, &step, expectation, input, style));
    }
    if (texts.size() == before && !ShownByAChild(step))
      texts.push_back(StepText(scenario, step, input, style));
  };
  history::ForEachStep(scenario.steps, visit);
  history::ForEachStep(scenario.cleanup, visit);
  for (const ExpectationResult& expectation : scenario.success) {
    if (expectation.verdict == Verdict::kPassed) continue;
    texts.push_back(ExpectationText(scenario, nullptr, expectation, input, style));
  }
  return texts;
}

}  // namespace assay::report
