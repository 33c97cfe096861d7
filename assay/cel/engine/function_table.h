#pragma once
// The functions of an environment, by name.

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "assay/cel/cel.h"

namespace assay::cel {

struct StringHash {
  using is_transparent = void;
  size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
};

/// Overloads keep their address as long as nothing is added; programs share the table they were
/// compiled with.
struct FunctionTable {
  std::unordered_map<std::string, std::vector<Overload>, StringHash, std::equal_to<>> functions;

  const std::vector<Overload>* Find(std::string_view name) const {
    const auto found = functions.find(name);
    return found == functions.end() ? nullptr : &found->second;
  }
};

}  // namespace assay::cel
