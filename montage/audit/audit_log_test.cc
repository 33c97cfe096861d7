// The contracts on SQLite.

#include "montage/audit/audit_log_contract.h"
#include "montage/audit/crash_contract.h"

namespace montage::audit {
namespace {

INSTANTIATE_TEST_SUITE_P(Sqlite, AuditLogContract, testing::Values(storage::NewSqliteFile));
INSTANTIATE_TEST_SUITE_P(Sqlite, AuditCrashContract, testing::Values(storage::NewSqliteFile));

}  // namespace
}  // namespace montage::audit
