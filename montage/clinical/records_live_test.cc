// The contract on PostgreSQL.

#include "montage/clinical/records_contract.h"

namespace montage::clinical {
namespace {

INSTANTIATE_TEST_SUITE_P(Postgres, RecordsContract, testing::Values(storage::NewPostgresSchema));

}  // namespace
}  // namespace montage::clinical
