// `montage backup`, `restore` and `encryption` as an operator uses them.

#include <filesystem>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/testing/temp_dir.h"
#include "montage/app/cli/program.h"
#include "montage/app/data_directory.h"

namespace montage::app {
namespace {

using testing::HasSubstr;
using testing::Not;
namespace fs = std::filesystem;

class BackupCommandsTest : public testing::Test {
 protected:
  BackupCommandsTest() {
    std::istringstream password("a long enough password\n");
    EXPECT_EQ(
        Run("source", {"users", "create", "anna", "--role", "admin", "--site", "ward"}, &password),
        0)
        << output_;
  }
  /// Runs a command on one of the test's data directories.
  int Run(const std::string& data, std::vector<std::string> arguments,
          std::istream* input = nullptr) {
    std::istringstream nothing;
    std::ostringstream out;
    arguments.insert(arguments.end(), {"--data", (folder_ / data).string()});
    const int code =
        RunProgram(arguments, {.in = input != nullptr ? *input : nothing,
                               .out = out,
                               .err = out,
                               .environment = [](std::string_view) { return std::nullopt; }});
    output_ = out.str();
    return code;
  }
  std::string Backup() const { return (folder_ / "backup").string(); }
  void GiveKeysTo(const std::string& data) {
    fs::create_directories(folder_ / data);
    fs::copy_file(folder_ / "source" / "keys", folder_ / data / "keys",
                  fs::copy_options::overwrite_existing);
  }

  const testing_support::TempDir folder_;
  std::string output_;
};

TEST_F(BackupCommandsTest, ASystemComesBackInAnotherDirectory) {
  ASSERT_EQ(Run("source", {"backup", Backup()}), 0) << output_;
  EXPECT_THAT(output_, HasSubstr("0 objects, of which 0 are new"));
  ASSERT_EQ(Run("target", {"restore", Backup(), "--check"}), 0) << output_;
  EXPECT_THAT(output_, HasSubstr("is whole"));
  EXPECT_FALSE(fs::exists(folder_ / "target"));
  EXPECT_EQ(Run("target", {"restore", Backup()}), 1);
  EXPECT_THAT(output_, HasSubstr("there is no key file"));
  GiveKeysTo("target");
  ASSERT_EQ(Run("target", {"restore", Backup()}), 0) << output_;
  ASSERT_EQ(Run("target", {"users", "list"}), 0);
  EXPECT_THAT(output_, HasSubstr("anna"));
  ASSERT_EQ(Run("target", {"audit", "verify"}), 0) << output_;
  EXPECT_EQ(Run("target", {"restore", Backup()}), 1);
  EXPECT_THAT(output_, HasSubstr("--force"));
  EXPECT_EQ(Run("target", {"restore", Backup(), "--force"}), 0) << output_;
}

TEST_F(BackupCommandsTest, SnapshotsAreListedAndChosenByName) {
  ASSERT_EQ(Run("source", {"backup", Backup()}), 0) << output_;
  ASSERT_EQ(Run("source", {"users", "deactivate", "anna"}), 0) << output_;
  ASSERT_EQ(Run("source", {"backup", Backup()}), 0) << output_;
  ASSERT_EQ(Run("source", {"backup", Backup(), "--list"}), 0) << output_;
  EXPECT_EQ(std::ranges::count(output_, '\n'), 3);
  GiveKeysTo("target");
  EXPECT_EQ(Run("target", {"restore", Backup(), "--snapshot", "20010101T000000Z-0000"}), 1);
  EXPECT_THAT(output_, HasSubstr("--list shows all"));
}

TEST_F(BackupCommandsTest, NothingIsRestoredOrRetiredUnderARunningServer) {
  ASSERT_EQ(Run("source", {"backup", Backup()}), 0) << output_;
  const base::SystemClock clock;
  const auto served = DataDirectory::Open({.path = folder_ / "source"}, clock,
                                          base::Deadline::After(std::chrono::seconds(20)))
                          .value();
  bool alone = false;
  auto lock = served->LockForServing(alone).value();
  ASSERT_TRUE(lock.Share().has_value());  // as a server does when it has recovered
  EXPECT_EQ(Run("source", {"restore", Backup(), "--force"}), 1);
  EXPECT_THAT(output_, HasSubstr("a montage serves"));
  EXPECT_EQ(Run("source", {"encryption", "retire"}), 1);
  EXPECT_THAT(output_, HasSubstr("a montage serves"));
  EXPECT_EQ(Run("source", {"encryption", "rotate"}), 0) << output_;
}

TEST_F(BackupCommandsTest, KeysAreRotatedRetiredAndShown) {
  ASSERT_EQ(Run("source", {"encryption", "rotate"}), 0) << output_;
  EXPECT_THAT(output_, HasSubstr("rotated to the new key"));
  ASSERT_EQ(Run("source", {"encryption", "retire"}), 0) << output_;
  EXPECT_THAT(output_, HasSubstr("retired 1 keys"));
  ASSERT_EQ(Run("source", {"encryption", "status"}), 0) << output_;
  EXPECT_THAT(output_, HasSubstr("newest"));
  EXPECT_THAT(output_, Not(HasSubstr("older")));
  EXPECT_EQ(Run("nowhere", {"encryption", "status"}), 1);
  EXPECT_FALSE(fs::exists(folder_ / "nowhere"));
}

}  // namespace
}  // namespace montage::app
