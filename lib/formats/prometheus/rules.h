#pragma once
// What the samples of a family must be, by its type; for .cc files.

#include <span>
#include <string_view>
#include <vector>

#include "lib/formats/prometheus/exposition.h"

namespace formats::prometheus {

/// What may stand behind the name of a family in the name of a sample, "" last.
std::span<const std::string_view> SampleSuffixes();
bool TakesSuffix(MetricType type, std::string_view suffix, Syntax syntax);

std::vector<Problem> CheckFamily(const Family& family, Syntax syntax);

}  // namespace formats::prometheus
