// The contract on PostgreSQL.

#include "montage/storage/storage_contract.h"

namespace montage::storage {
namespace {

INSTANTIATE_TEST_SUITE_P(Postgres, MigratorContract, testing::Values(NewPostgresSchema));
INSTANTIATE_TEST_SUITE_P(Postgres, IdempotencyContract, testing::Values(NewPostgresSchema));
INSTANTIATE_TEST_SUITE_P(Postgres, SystemMetricsContract, testing::Values(NewPostgresSchema));

}  // namespace
}  // namespace montage::storage
