#pragma once
// What a command may use of the outside world; only main.cc and tests make one.

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/json/object.hpp>

#include "lib/base/clock.h"
#include "lib/net/cancellation.h"

namespace assay::cli {

/// Everything outlives the call of Main.
struct Host {
  std::function<void(std::string_view)> out;
  std::function<void(std::string_view)> err;
  std::vector<std::pair<std::string, std::string>> environment;
  std::filesystem::path directory;  ///< absolute: where relative paths of the arguments start
  /// The executable that becomes the guardian, see environment::GuardianOptions.
  std::string program = "/proc/self/exe";
  bool out_is_terminal = false;
  bool err_is_terminal = false;
  int input = 0;                ///< descriptor of what a person types
  size_t terminal_columns = 0;  ///< 0: unknown
  const base::Clock* clock = nullptr;
  net::Cancellation* interrupt = nullptr;
  bool catch_signals = false;  ///< SIGINT and SIGTERM request `interrupt` while a run lasts

  /// "" when it is not set.
  std::string Variable(std::string_view name) const;
};

/// How text may look on a stream.
struct Look {
  bool color = false;
  bool unicode = false;
  size_t width = 100;
};

/// From TTY, NO_COLOR, CLICOLOR_FORCE, COLUMNS, TERM and the locale.
Look LookOf(const Host& host, bool is_terminal, bool no_color);

/// {name, system, release, architecture, processors}: of the machine, for the manifest of a run.
boost::json::object MachineFacts();

}  // namespace assay::cli
