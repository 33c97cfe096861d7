// The program assay: gives the library what it may use of the process.

#include <cstdio>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <sys/ioctl.h>
#include <unistd.h>

#include "assay/cli/cli.h"
#include "assay/environment/guardian/guardian.h"
#include "lib/process/spawn.h"

namespace {

void WriteTo(FILE* stream, std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stream);
  std::fflush(stream);
}

size_t Columns() {
  winsize size{};
  return ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  if (arguments.size() == 3 && arguments[0] == assay::environment::kGuardianSubcommand) {
    return assay::environment::RunGuardian(arguments[1], arguments[2]);
  }
  const base::SystemClock clock;
  net::Cancellation interrupt;
  std::error_code error;
  const assay::cli::Host host{.out = [](std::string_view text) { WriteTo(stdout, text); },
                              .err = [](std::string_view text) { WriteTo(stderr, text); },
                              .environment = process::InheritedEnvironment(),
                              .directory = std::filesystem::current_path(error),
                              .out_is_terminal = ::isatty(STDOUT_FILENO) == 1,
                              .err_is_terminal = ::isatty(STDERR_FILENO) == 1,
                              .terminal_columns = Columns(),
                              .clock = &clock,
                              .interrupt = &interrupt,
                              .catch_signals = true};
  return assay::cli::Main(arguments, host);
}
