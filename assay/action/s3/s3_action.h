#pragma once
// `s3: endpoint`: one operation of an S3 service and what it answered.

#include "assay/action/action.h"
#include "lib/net/offload.h"

namespace assay::action {

/// A refusal of the service is an outcome with `status` and `error_code`; an error is that no
/// answer came. Requests are not repeated: a step that shall be has `retry`.
class S3Action final : public Action {
 public:
  S3Action();
  const scenario::ActionSchema& schema() const override { return schema_; }
  std::string Head(const cel::Value& params) const override;
  net::Task<history::Outcome> Run(cel::Value params, const ActionContext& context) const override;

 private:
  scenario::ActionSchema schema_;
  /// Files may be large and disks slow; the loop goes on meanwhile.
  mutable net::ThreadPool pool_{1};
};

}  // namespace assay::action
