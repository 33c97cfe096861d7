#include "assay/cli/host.h"

#include <algorithm>
#include <cctype>
#include <charconv>

#include <sys/utsname.h>
#include <unistd.h>

namespace assay::cli {

std::string Host::Variable(std::string_view name) const {
  const auto found =
      std::ranges::find(environment, name, &std::pair<std::string, std::string>::first);
  return found == environment.end() ? std::string() : found->second;
}

namespace {

constexpr size_t kMinWidth = 40;
constexpr size_t kMaxWidth = 160;

bool IsUtf8Locale(const Host& host) {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    std::string value = host.Variable(name);
    if (value.empty()) continue;
    std::ranges::transform(value, value.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return value.contains("utf-8") || value.contains("utf8");
  }
  return false;
}

}  // namespace

Look LookOf(const Host& host, bool is_terminal, bool no_color) {
  Look look;
  look.unicode = IsUtf8Locale(host);
  const std::string forced = host.Variable("CLICOLOR_FORCE");
  if (no_color || !host.Variable("NO_COLOR").empty()) {
    look.color = false;
  } else if (!forced.empty() && forced != "0") {
    look.color = true;
  } else {
    look.color = is_terminal && host.Variable("TERM") != "dumb";
  }
  size_t columns = 0;
  const std::string set = host.Variable("COLUMNS");
  std::from_chars(set.data(), set.data() + set.size(), columns);
  if (columns == 0 && is_terminal) columns = host.terminal_columns;
  if (columns != 0) look.width = std::clamp(columns, kMinWidth, kMaxWidth);
  return look;
}

boost::json::object MachineFacts() {
  boost::json::object out;
  utsname facts{};
  if (::uname(&facts) == 0) {
    out = {{"name", facts.nodename},
           {"system", facts.sysname},
           {"release", facts.release},
           {"architecture", facts.machine}};
  }
  out["processors"] = ::sysconf(_SC_NPROCESSORS_ONLN);
  return out;
}

}  // namespace assay::cli
