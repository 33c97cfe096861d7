// The contract on SQLite.

#include "montage/recordings/recordings_contract.h"

namespace montage::recordings {
namespace {

INSTANTIATE_TEST_SUITE_P(Sqlite, RecordingsContract, testing::Values(storage::NewSqliteFile));

}  // namespace
}  // namespace montage::recordings
