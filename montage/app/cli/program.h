#pragma once
// The command line of Montage. Exit codes: 0 success, 1 failure, 2 usage or configuration.

#include <functional>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "montage/app/interposers.h"

namespace montage::app {

/// What the program may see of the world.
struct ProgramIo {
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
  std::function<std::optional<std::string>(std::string_view variable)> environment;
  bool color = false;  ///< of diagnostics
  Interposers interposers = {};
};

/// `arguments` without the program's name.
int RunProgram(const std::vector<std::string>& arguments, const ProgramIo& io);

}  // namespace montage::app
