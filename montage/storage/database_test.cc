// The contract on SQLite.

#include "montage/storage/storage_contract.h"

namespace montage::storage {
namespace {

INSTANTIATE_TEST_SUITE_P(Sqlite, MigratorContract, testing::Values(NewSqliteFile));
INSTANTIATE_TEST_SUITE_P(Sqlite, IdempotencyContract, testing::Values(NewSqliteFile));
INSTANTIATE_TEST_SUITE_P(Sqlite, SystemMetricsContract, testing::Values(NewSqliteFile));

}  // namespace
}  // namespace montage::storage
