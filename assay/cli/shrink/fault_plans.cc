#include "assay/cli/shrink/fault_plans.h"

#include <utility>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "assay/history/file_io.h"
#include "lib/json/canonical.h"
#include "lib/json/parse.h"

namespace assay::cli {

base::Result<fault::PlansByPath> ReadFaultPlans(const std::filesystem::path& file) {
  TRY(const std::string text, history::ReadWholeFile(file));
  const auto json = json::Parse(text);
  if (!json) {
    return base::Fail(base::Error(json.error()).While("reading " + file.string()));
  }
  fault::PlansByPath plans;
  if (!json->is_object()) {
    return base::Fail(base::ErrorCode::kInvalid,
                      fmt::format("{}: expected an object of fault plans by step", file.string()));
  }
  for (const auto& [path, list] : json->get_object()) {
    auto plan = fault::ParseFaultPlan(list);
    if (!plan) {
      return base::Fail(std::move(plan).error().While(
          fmt::format("reading the plan of {} in {}", std::string_view(path), file.string())));
    }
    plans[path] = *std::move(plan);
  }
  return plans;
}

base::Result<fault::PlansByPath> PlansOf(std::span<const history::Event> events) {
  fault::PlansByPath plans;
  for (const history::Event& event : events) {
    if (event.kind != "fault.plan") continue;
    TRY(plans[event.path], fault::ParseFaultPlan(event.data.at("plan")));
  }
  return plans;
}

FaultNames NamesOf(std::span<const history::Event> events) {
  FaultNames names;
  for (const history::Event& event : events) {
    if (event.kind != "fault.plan") continue;
    for (const boost::json::value& one : event.data.at("plan").as_array()) {
      names[event.path][one.at("choice").to_number<size_t>()] = one.at("fault").as_string();
    }
  }
  return names;
}

std::string FaultPlansText(const fault::PlansByPath& plans, const FaultNames& names) {
  boost::json::object json;
  for (const auto& [path, plan] : plans) {
    boost::json::array list = fault::PlanJson(plan, {});
    for (boost::json::value& one : list) {
      const auto of_step = names.find(path);
      if (of_step == names.end()) continue;
      const auto name = of_step->second.find(one.at("choice").to_number<size_t>());
      if (name != of_step->second.end()) one.as_object()["fault"] = name->second;
    }
    json[path] = std::move(list);
  }
  return json::Pretty(json) + "\n";
}

}  // namespace assay::cli
