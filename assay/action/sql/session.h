#pragma once
// Carries the statements of an `sql` step out, on a thread that may block.

#include <memory>
#include <optional>
#include <vector>

#include "assay/action/sql/request.h"
#include "lib/base/deadline.h"
#include "lib/sql/interrupt.h"

namespace assay::action {

struct SqlReport {
  std::vector<sql::Rows> done;  ///< one a statement that succeeded, in order
  bool committed = false;
  /// What the database itself refused; `error` then says the same.
  std::optional<sql::Refusal> refusal;
  std::optional<base::Error> error;
};

SqlReport CarryOut(const SqlRequest& request, std::shared_ptr<const sql::Interrupt> interrupt,
                   base::Deadline deadline);

}  // namespace assay::action
