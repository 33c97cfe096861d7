#include "montage/app/stores/file_lock.h"

#include <csignal>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/testing/temp_dir.h"
#include "montage/app/data_directory.h"

namespace montage::app {
namespace {

using base::ErrorCode;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;

/// Another process that has the lock until the object goes.
class Holder {
 public:
  Holder(const std::filesystem::path& file, bool shared) {
    int ready[2];
    EXPECT_EQ(::pipe(ready), 0);
    pid_ = ::fork();
    if (pid_ == 0) {
      const auto lock = FileLock::Take(file, shared);
      const char taken = lock ? 'y' : 'n';
      if (::write(ready[1], &taken, 1) == 1) ::pause();
      ::_exit(0);
    }
    char taken = 'n';
    EXPECT_EQ(::read(ready[0], &taken, 1), 1);
    EXPECT_EQ(taken, 'y');
    ::close(ready[0]);
    ::close(ready[1]);
  }
  ~Holder() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  std::string pid() const { return "(process " + std::to_string(pid_) + ")"; }

 private:
  pid_t pid_ = -1;
};

class FileLockTest : public testing::Test {
 protected:
  const testing_support::TempDir folder_;
  const std::filesystem::path file_ = folder_ / "serve.lock";
};

TEST_F(FileLockTest, OneHasItAloneOrSeveralShareIt) {
  EXPECT_THAT(LockHolders(file_), IsEmpty());
  {
    const auto first = FileLock::Take(file_, true);
    const auto second = FileLock::Take(file_, true);
    EXPECT_TRUE(first && second);
    EXPECT_EQ(FileLock::Take(file_, false).error().code, ErrorCode::kConflict);
  }
  EXPECT_TRUE(FileLock::Take(file_, false).has_value()) << "given up by the destructors";
  EXPECT_EQ(FileLock::Take(folder_.path(), false).error().code, ErrorCode::kIo);
}

TEST_F(FileLockTest, ARefusalNamesTheProcessThatHasIt) {
  const Holder holder(file_, false);
  EXPECT_THAT(LockHolders(file_), ElementsAre(EndsWith(holder.pid())));
  const auto refused = FileLock::Take(file_, true);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, ErrorCode::kConflict);
  EXPECT_THAT(refused.error().message, HasSubstr(holder.pid()));
  EXPECT_THAT(refused.error().message, HasSubstr("montage_app_test"));
}

TEST_F(FileLockTest, HoldersAreJoinedAsASentenceWantsThem) {
  EXPECT_EQ(JoinHolders({}), "another process");
  EXPECT_EQ(JoinHolders({"a"}), "a");
  EXPECT_EQ(JoinHolders({"a", "b"}), "a and b");
  EXPECT_EQ(JoinHolders({"a", "b", "c"}), "a, b and c");
}

class DirectoryLocksTest : public FileLockTest {
 protected:
  const base::SystemClock clock_;
  const base::Deadline soon_ = base::Deadline::After(std::chrono::seconds(20));
  const std::unique_ptr<DataDirectory> directory_ =
      DataDirectory::Open({.path = folder_.path()}, clock_, soon_).value();
};

TEST_F(DirectoryLocksTest, ACommandThatMeetsARecoveringServerSaysWhoAndWhatToDo) {
  const Holder recovering(file_, false);
  const auto refused = directory_->LockAlone("it would break", soon_);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, ErrorCode::kConflict);
  EXPECT_THAT(refused.error().message, HasSubstr(recovering.pid()));
  EXPECT_THAT(refused.error().message, HasSubstr(folder_.path().string()));
  EXPECT_THAT(refused.error().hint, HasSubstr("while it recovers"));
}

TEST_F(DirectoryLocksTest, ACommandThatMeetsARunningServerSaysWhoAndWhy) {
  const Holder serving(file_, true);
  const Holder beside(file_, true);
  const auto refused = directory_->LockAlone("it would break", soon_);
  ASSERT_FALSE(refused.has_value());
  EXPECT_THAT(refused.error().message, HasSubstr(serving.pid()));
  EXPECT_THAT(refused.error().message, HasSubstr(beside.pid()));
  EXPECT_EQ(refused.error().hint, "stop it first: it would break");
}

TEST_F(DirectoryLocksTest, WithoutServersACommandIsAlone) {
  const auto lock = directory_->LockAlone("it would break", soon_);
  ASSERT_TRUE(lock.has_value()) << lock.error().ToString();
  bool alone = true;
  EXPECT_FALSE(directory_->LockForServing(alone).has_value()) << "and stays it";
}

TEST_F(DirectoryLocksTest, ASecondServerWithWorkersIsToldWhoWorks) {
  const Holder working(folder_ / "worker.lock", false);
  const auto refused = directory_->LockForWorkers();
  ASSERT_FALSE(refused.has_value());
  EXPECT_THAT(refused.error().message, HasSubstr(working.pid()));
  EXPECT_THAT(refused.error().hint, HasSubstr("--workers 0"));
}

}  // namespace
}  // namespace montage::app
