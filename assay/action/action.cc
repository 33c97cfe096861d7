#include "assay/action/action.h"

#include <algorithm>
#include <cassert>

#include <fmt/format.h>

#include "lib/http/wire/request.h"

namespace assay::action {

base::Result<http::wire::WireRequest> Action::AsWire(const cel::Value& params,
                                                     const ActionContext& context) const {
  static_cast<void>(params);
  static_cast<void>(context);
  return base::Fail(base::ErrorCode::kUnsupported,
                    fmt::format("{} is no HTTP request", schema().name));
}

void ActionRegistry::Add(std::unique_ptr<Action> action) {
  assert(Find(action->schema().name) == nullptr);
  actions_.push_back(std::move(action));
}

const Action* ActionRegistry::Find(std::string_view name) const {
  const auto found = std::ranges::find(
      actions_, name, [](const auto& action) -> std::string_view { return action->schema().name; });
  return found == actions_.end() ? nullptr : found->get();
}

std::vector<const Action*> ActionRegistry::All() const {
  std::vector<const Action*> all;
  for (const auto& action : actions_) all.push_back(action.get());
  return all;
}

}  // namespace assay::action
