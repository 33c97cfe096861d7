#pragma once
// `sql: endpoint`: statements for a PostgreSQL or SQLite database, and what came back.

#include "assay/action/action.h"

namespace assay::action {

/// Each step has a session of its own, so that nothing of one step (settings, open transactions,
/// temporary tables) reaches another.
class SqlAction final : public Action {
 public:
  SqlAction();
  const scenario::ActionSchema& schema() const override { return schema_; }
  std::string Head(const cel::Value& params) const override;
  net::Task<history::Outcome> Run(cel::Value params, const ActionContext& context) const override;

 private:
  scenario::ActionSchema schema_;
};

}  // namespace assay::action
