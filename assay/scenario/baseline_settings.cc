#include "assay/scenario/baseline_settings.h"

#include <chrono>

#include <fmt/format.h>

#include "assay/scenario/build.h"
#include "lib/base/share.h"

namespace assay::scenario {
namespace {

using yaml::Node;

std::optional<double> ReadShare(const Node& map, std::string_view key, Problems& problems) {
  const Node* node = map.Find(key);
  if (node == nullptr || !node->is_scalar()) return std::nullopt;
  const auto share = base::ParseShare(node->text());
  if (share) return *share;
  problems.Add(
      base::ErrorCode::kInvalid,
      fmt::format("found {} for \"{}\", expected a share such as 10% or 0.1", node->Found(), key),
      node->span());
  return std::nullopt;
}

// A number in the metric's unit, or a duration, which is in seconds.
std::optional<double> ReadFloor(const Node& map) {
  const Node* node = map.Find("floor");
  if (node == nullptr) return std::nullopt;
  if (node->kind() == yaml::NodeKind::kInt) return static_cast<double>(node->as_int());
  if (node->kind() == yaml::NodeKind::kDouble) return node->as_double();
  const auto span = ReadDuration(map, "floor");
  if (!span) return std::nullopt;
  return std::chrono::duration<double>(*span).count();
}

}  // namespace

BaselineSettings BuildBaseline(const Node& root, Problems& problems) {
  BaselineSettings settings;
  const Node* node = root.Find("baseline");
  if (node == nullptr) return settings;
  if (const Text folder = ReadText(*node, "folder"); !folder.empty()) settings.folder = folder.text;
  settings.tolerance = ReadShare(*node, "tolerance", problems);
  const Node* rules = node->Find("metrics");
  if (rules == nullptr) return settings;
  for (const yaml::NodePtr& item : rules->items()) {
    settings.rules.push_back({.metrics = ReadText(*item, "metric").text,
                              .tolerance = ReadShare(*item, "tolerance", problems),
                              .floor = ReadFloor(*item),
                              .better = ReadText(*item, "better").text,
                              .ignore = ReadBool(*item, "ignore").value_or(false)});
  }
  return settings;
}

BaselineSettings BaselineOf(const Project& project) {
  if (project.source == nullptr) return {};
  const yaml::Document document = yaml::Parse(project.source);
  Problems reported;
  return document.root ? BuildBaseline(*document.root, reported) : BaselineSettings{};
}

}  // namespace assay::scenario
