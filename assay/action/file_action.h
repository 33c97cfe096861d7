#pragma once
// `file:`: reads, looks for and, within the scenario's working directory, changes files.

#include "assay/action/action.h"
#include "lib/net/offload.h"

namespace assay::action {

/// A relative path is looked for in the working directory first, then beside the scenario file.
/// Only the working directory is written to; a path that leaves it, also by a link, is refused.
class FileAction final : public Action {
 public:
  FileAction();
  const scenario::ActionSchema& schema() const override { return schema_; }
  std::string Head(const cel::Value& params) const override;
  net::Task<history::Outcome> Run(cel::Value params, const ActionContext& context) const override;

 private:
  scenario::ActionSchema schema_;
  /// Files may be large and disks slow; the loop goes on meanwhile.
  mutable net::ThreadPool pool_{1};
};

}  // namespace assay::action
