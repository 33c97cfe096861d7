#pragma once
// `exec:`: a program on this machine, the escape hatch to any language.

#include "assay/action/action.h"

namespace assay::action {

/// The program leads a session of its own and inherits the run's marker in
/// ActionContext::process_environment, by which the guardian finds it. When the step's deadline
/// passes or the step is cancelled, everything that came from the program is ended. What it leaves
/// running after an ordinary end is undone when the run ends.
class ExecAction final : public Action {
 public:
  ExecAction();
  const scenario::ActionSchema& schema() const override { return schema_; }
  std::string Head(const cel::Value& params) const override;
  net::Task<history::Outcome> Run(cel::Value params, const ActionContext& context) const override;

 private:
  scenario::ActionSchema schema_;
};

}  // namespace assay::action
