#include "assay/baseline/configuration.h"

#include <algorithm>
#include <map>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "lib/crypto/hash.h"
#include "lib/json/canonical.h"

namespace assay::baseline {
namespace {

using boost::json::object;
using Items = std::map<std::string, std::string>;

std::string Words(const boost::json::value& value) {
  return value.is_string() ? std::string(value.get_string()) : json::Canonical(value);
}

std::string Text(const object& from, std::string_view key) {
  const auto* found = from.if_contains(key);
  return found == nullptr || found->is_null() ? "" : Words(*found);
}

// Members of `from` under names of their own.
void AddMembers(const object& from, std::initializer_list<std::string_view> keys,
                std::string_view prefix, Items& items) {
  for (const std::string_view key : keys) {
    if (std::string text = Text(from, key); !text.empty()) {
      items[fmt::format("{}{}", prefix, key)] = std::move(text);
    }
  }
}

template <typename Visit>
void ForEach(const object& from, std::string_view key, const Visit& visit) {
  const auto* list = from.if_contains(key);
  if (list == nullptr || !list->is_array()) return;
  for (const auto& item : list->get_array()) {
    if (const auto* one = item.if_object()) visit(*one);
  }
}

bool IsCatalogue(std::string_view file) {
  return file == "requirements.yaml" || file.ends_with("/requirements.yaml");
}

void AddInputs(const object& manifest, Items& items) {
  ForEach(manifest, "inputs", [&](const object& input) {
    const std::string file = Text(input, "file");
    if (IsCatalogue(file)) return;
    const std::string plan = Text(input, "plan_sha256");
    items["file " + file] = plan.empty() ? Text(input, "sha256") : plan;
  });
}

}  // namespace

Configuration ConfigurationOf(const history::RunModel& run) {
  const object& manifest = run.manifest;
  Items items;
  AddMembers(manifest,
             {"environment", "profile", "scale", "seed", "version", "jobs", "shard", "merged"}, "",
             items);
  if (const auto* host = manifest.if_contains("host"); host != nullptr && host->is_object()) {
    AddMembers(host->get_object(), {"name", "architecture", "release", "processors"}, "machine ",
               items);
  }
  if (const auto* given = manifest.if_contains("configuration");
      given != nullptr && given->is_object()) {
    AddMembers(given->get_object(), {"retries", "timeout_ns"}, "option ", items);
    ForEach(given->get_object(), "urls",
            [&](const object& url) { items["url " + Text(url, "name")] = Text(url, "url"); });
  }
  ForEach(manifest, "overrides", [&](const object& variable) {
    items["variable " + Text(variable, "name")] = Text(variable, "value");
  });
  ForEach(manifest, "planned", [&](const object& planned) {
    items["scenario " + Text(planned, "instance")] = "planned";
  });
  AddInputs(manifest, items);
  return {items.begin(), items.end()};
}

std::string DigestOf(const Configuration& configuration) {
  return crypto::Sha256Hex(json::Canonical(ToJson(configuration)));
}

std::vector<Difference> Differences(const Configuration& before, const Configuration& after) {
  const Items old(before.begin(), before.end());
  const Items now(after.begin(), after.end());
  std::vector<Difference> out;
  for (const auto& [what, value] : old) {
    const auto found = now.find(what);
    const std::string other = found == now.end() ? "" : found->second;
    if (other != value) out.push_back({what, value, other});
  }
  for (const auto& [what, value] : now) {
    if (!old.contains(what)) out.push_back({what, "", value});
  }
  std::ranges::sort(out, {}, &Difference::what);
  return out;
}

std::string ToText(const Difference& difference) {
  const auto shown = [&](const std::string& value) {
    if (value.empty()) return std::string("absent");
    const bool digest = value.size() == 64 && difference.what.starts_with("file ");
    return digest ? value.substr(0, 12) : value;
  };
  return fmt::format("{}: {} before, {} now", difference.what, shown(difference.before),
                     shown(difference.after));
}

}  // namespace assay::baseline
