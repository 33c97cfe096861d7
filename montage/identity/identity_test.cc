// The contract on SQLite, and what needs no database.

#include "montage/identity/identity_contract.h"

namespace montage::identity {
namespace {

INSTANTIATE_TEST_SUITE_P(Sqlite, IdentityContract, testing::Values(storage::NewSqliteFile));

TEST(Principal, ReadsOwnAndSiteByRole) {
  const Principal technician{.user_id = "u1", .role = Role::kTechnician, .site = "a"};
  EXPECT_TRUE(technician.MayRead("u1", "a"));
  EXPECT_FALSE(technician.MayRead("u2", "a"));
  const Principal clinician{.user_id = "u1", .role = Role::kClinician, .site = "a"};
  EXPECT_TRUE(clinician.MayRead("u2", "a"));
  EXPECT_FALSE(clinician.MayRead("u2", "b"));
  const Principal device{.user_id = "u1", .role = Role::kDevice, .site = "a"};
  EXPECT_FALSE(device.MayRead("u1", "a"));
}

TEST(Roles, WordsAreReadBack) {
  for (const Role role : AllRoles()) EXPECT_EQ(ParseRole(ToString(role)), role);
  for (const Permission permission : AllPermissions())
    EXPECT_EQ(ParsePermission(ToString(permission)), permission);
  EXPECT_FALSE(ParseRole("superuser").has_value());
}

}  // namespace
}  // namespace montage::identity
