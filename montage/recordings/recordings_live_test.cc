// The contract on PostgreSQL.

#include "montage/recordings/recordings_contract.h"

namespace montage::recordings {
namespace {

INSTANTIATE_TEST_SUITE_P(Postgres, RecordingsContract, testing::Values(storage::NewPostgresSchema));

}  // namespace
}  // namespace montage::recordings
