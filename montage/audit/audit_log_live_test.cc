// The contracts on PostgreSQL.

#include "montage/audit/audit_log_contract.h"
#include "montage/audit/crash_contract.h"

namespace montage::audit {
namespace {

INSTANTIATE_TEST_SUITE_P(Postgres, AuditLogContract, testing::Values(storage::NewPostgresSchema));
INSTANTIATE_TEST_SUITE_P(Postgres, AuditCrashContract, testing::Values(storage::NewPostgresSchema));

}  // namespace
}  // namespace montage::audit
