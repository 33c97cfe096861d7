// The contract on SQLite.

#include "montage/clinical/records_contract.h"

namespace montage::clinical {
namespace {

INSTANTIATE_TEST_SUITE_P(Sqlite, RecordsContract, testing::Values(storage::NewSqliteFile));

}  // namespace
}  // namespace montage::clinical
