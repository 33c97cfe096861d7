// The contract on PostgreSQL.

#include "montage/identity/identity_contract.h"

namespace montage::identity {
namespace {

INSTANTIATE_TEST_SUITE_P(Postgres, IdentityContract, testing::Values(storage::NewPostgresSchema));

}  // namespace
}  // namespace montage::identity
