#include "assay/action/pdf_content.h"

#include <fstream>
#include <iterator>

#include <fmt/format.h>

#include "assay/action/exec_action.h"
#include "lib/base/utf8.h"
#include "lib/crypto/hash.h"
#include "lib/crypto/secret.h"

namespace assay::action {
namespace {

namespace fs = std::filesystem;
using base::ErrorCode;
using base::Result;
using cel::Value;

constexpr uint64_t kLargestText = uint64_t{64} << 20;

/// The program with at most 2 GiB of memory, which no page of text needs.
Value Command(const std::vector<std::string>& words) {
  std::vector<Value> list = {Value::String("/bin/sh"), Value::String("-c"),
                             Value::String("ulimit -v 2097152; exec \"$0\" \"$@\"")};
  for (const std::string& word : words) list.push_back(Value::String(word));
  return Value::Object({{"command", Value::List(std::move(list))}});
}

std::string FirstLine(std::string_view text) {
  return std::string(text.substr(0, text.find('\n')));
}

base::Error Refused(const std::string& program, int64_t exit_code, std::string_view said,
                    const fs::path& path) {
  constexpr int64_t kNotFound = 127;  // of the shell
  if (exit_code == kNotFound) {
    return {.code = ErrorCode::kUnsupported,
            .message = fmt::format("{} is not installed", program),
            .hint = "install Poppler's programs (Debian: poppler-utils)"};
  }
  if (said.contains("Incorrect password")) {
    return {.code = ErrorCode::kUnauthorized,
            .message = fmt::format("{} wants a password", path.string())};
  }
  return {.code = ErrorCode::kInvalid,
          .message = fmt::format("{} is no PDF document that can be read: {}", path.string(),
                                 FirstLine(said))};
}

/// Standard output of the program.
net::Task<Result<std::string>> RunProgram(std::vector<std::string> words, fs::path path,
                                          const ActionContext& context) {
  const ExecAction exec;
  const history::Outcome outcome = co_await exec.Run(Command(words), context);
  if (outcome.disposition != history::Disposition::kAnswered) {
    co_return base::Fail(outcome.error.value_or(
        base::Error{.code = ErrorCode::kInternal, .message = words[0] + " did not run"}));
  }
  const int64_t exit_code = outcome.value.Find("exit_code")->int_value();
  if (exit_code != 0) {
    const std::string_view said = outcome.value.Find("stderr")->string();
    co_return base::Fail(Refused(words[0], exit_code, said, path));
  }
  co_return std::string(outcome.value.Find("stdout")->string());
}

/// The value behind `Title:` in what pdfinfo prints; "" when it is not there.
std::string Fact(std::string_view facts, std::string_view name) {
  while (!facts.empty()) {
    const std::string_view line = facts.substr(0, facts.find('\n'));
    facts.remove_prefix(std::min(line.size() + 1, facts.size()));
    if (!line.starts_with(name) || line.substr(name.size(), 1) != ":") continue;
    const size_t start = line.find_first_not_of(' ', name.size() + 1);
    return start == std::string_view::npos ? "" : std::string(line.substr(start));
  }
  return {};
}

Result<std::string> TakeFile(const fs::path& path) {
  std::error_code error;
  const uint64_t size = fs::file_size(path, error);
  if (error || size > kLargestText) {
    fs::remove(path, error);
    return base::Fail(ErrorCode::kTooLarge,
                      fmt::format("the document has more than {} bytes of text", kLargestText));
  }
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  fs::remove(path, error);
  return text;
}

/// Each page ends with a form feed.
std::vector<Value> Pages(std::string_view text) {
  std::vector<Value> pages;
  while (!text.empty()) {
    const std::string_view page = text.substr(0, text.find('\f'));
    pages.push_back(Value::String(base::IsUtf8(page) ? page : ""));
    text.remove_prefix(std::min(page.size() + 1, text.size()));
  }
  return pages;
}

}  // namespace

net::Task<Result<Value>> DescribePdf(fs::path path, const ActionContext& context) {
  CO_TRY(const std::string facts,
         co_await RunProgram({"pdfinfo", "-enc", "UTF-8", path.string()}, path, context));
  const fs::path target =
      fs::path(context.work_dir) / (".pdf-" + crypto::Sha256Hex(crypto::RandomBytes(16)) + ".txt");
  CO_TRY(co_await RunProgram(
      {"pdftotext", "-enc", "UTF-8", "-eol", "unix", path.string(), target.string()}, path,
      context));
  CO_TRY(const std::string text, TakeFile(target));
  std::vector<Value> pages = Pages(text);
  cel::MapBuilder map;
  map.Set("version", Value::String(Fact(facts, "PDF version")));
  map.Set("page_count", Value::Int(static_cast<int64_t>(pages.size())));
  map.Set("pages", Value::List(std::move(pages)));
  constexpr std::pair<const char*, const char*> kFacts[] = {
      {"title", "Title"},       {"author", "Author"},   {"subject", "Subject"},
      {"keywords", "Keywords"}, {"creator", "Creator"}, {"producer", "Producer"}};
  for (const auto& [name, printed] : kFacts) map.Set(name, Value::String(Fact(facts, printed)));
  co_return std::move(map).Build();
}

}  // namespace assay::action
