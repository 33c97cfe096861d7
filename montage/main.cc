// The program `montage`.

#include <cstdlib>
#include <exception>
#include <iostream>

#include <unistd.h>

#include "montage/app/cli/program.h"

int main(int argc, char** argv) {
  try {
    const montage::app::ProgramIo io{
        .in = std::cin,
        .out = std::cout,
        .err = std::cerr,
        .environment = [](std::string_view variable) -> std::optional<std::string> {
          const char* value = std::getenv(std::string(variable).c_str());
          return value != nullptr ? std::optional<std::string>(value) : std::nullopt;
        },
        .color = ::isatty(STDERR_FILENO) != 0 && std::getenv("NO_COLOR") == nullptr};
    return montage::app::RunProgram({argv + 1, argv + argc}, io);
  } catch (const std::exception& error) {
    std::cerr << "montage: internal error: " << error.what() << '\n';
    return 1;
  }
}
