#include "assay/cli/operator.h"

#include <memory>
#include <string>

#include <fmt/format.h>
#include <unistd.h>

#include "lib/net/descriptor.h"

namespace assay::cli {
namespace {

using base::ErrorCode;

constexpr size_t kLongestLine = 4096;

/// Reads byte by byte, so that what stands behind the line is left for the next question.
net::Task<base::Result<std::string>> ReadLine(int fd, base::Deadline deadline) {
  std::string line;
  while (line.size() < kLongestLine) {
    CO_TRY(co_await net::WaitReadable(fd, deadline));
    char c = 0;
    const ssize_t count = ::read(fd, &c, 1);
    if (count <= 0)
      co_return base::Fail(ErrorCode::kUnavailable, "the operator has left: the input has ended");
    if (c == '\n') co_return line;
    line += c;
  }
  co_return base::Fail(ErrorCode::kInvalid, "the answer is longer than 4096 bytes");
}

net::Task<base::Result<action::OperatorAnswer>> Ask(const Host* host, std::string question,
                                                    base::Deadline deadline) {
  std::string who = host->Variable("USER");
  if (who.empty()) who = host->Variable("LOGNAME");
  if (who.empty()) who = fmt::format("uid {}", ::getuid());
  while (true) {
    host->out(fmt::format("\n  {}\n  y or n, then a comment: ", question));
    CO_TRY(const std::string line, co_await ReadLine(host->input, deadline));
    auto answer = ParseAnswer(line, who);
    if (answer) co_return *std::move(answer);
    host->out(fmt::format("  {}\n", answer.error().message));
  }
}

}  // namespace

base::Result<action::OperatorAnswer> ParseAnswer(std::string_view line, std::string who) {
  const auto trim = [](std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == ',' || text.front() == ':'))
      text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\r')) text.remove_suffix(1);
    return text;
  };
  line = trim(line);
  const std::string_view word = line.substr(0, line.find_first_of(" ,:"));
  const bool yes = word == "y" || word == "yes" || word == "Y";
  const bool no = word == "n" || word == "no" || word == "N";
  if (!yes && !no) {
    return base::Fail(ErrorCode::kInvalid,
                      fmt::format("\"{}\" is no decision; expected y or n", word));
  }
  return action::OperatorAnswer{.approved = yes,
                                .who = std::move(who),
                                .comment = std::string(trim(line.substr(word.size())))};
}

action::AskOperator OperatorAt(const Host& host) {
  return [&host](std::string question, base::Deadline deadline) {
    return Ask(&host, std::move(question), deadline);
  };
}

}  // namespace assay::cli
