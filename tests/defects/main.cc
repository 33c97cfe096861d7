// The program `montage-planted`: Montage with the defect that the variable MONTAGE_DEFECT names.
// Part of the tests, never of a package.

#include <cstdlib>
#include <iostream>

#include "montage/app/cli/program.h"
#include "tests/defects/defects.h"

int main(int argc, char** argv) {
  const char* name = std::getenv("MONTAGE_DEFECT");
  auto defect = montage::defects::PlantedDefect(name != nullptr ? name : "");
  if (!defect) {
    std::cerr << "montage-planted: " << defect.error().message << '\n';
    return 2;
  }
  const montage::app::ProgramIo io{
      .in = std::cin,
      .out = std::cout,
      .err = std::cerr,
      .environment = [](std::string_view variable) -> std::optional<std::string> {
        const char* value = std::getenv(std::string(variable).c_str());
        return value != nullptr ? std::optional<std::string>(value) : std::nullopt;
      },
      .interposers = *std::move(defect)};
  return montage::app::RunProgram({argv + 1, argv + argc}, io);
}
