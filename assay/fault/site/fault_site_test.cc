// Faults that are cancelled, that fail, and that several owners have.

#include "assay/fault/site/fault_site.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lib/net/cancellation.h"
#include "lib/net/gather.h"
#include "lib/net/runtime.h"
#include "lib/net/timer.h"

namespace assay::fault {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

/// Takes 50 ms to be applied, and notes what became of it.
class Slow final : public Fault {
 public:
  explicit Slow(std::vector<std::string>& notes, bool fails = false)
      : notes_(notes), fails_(fails) {}
  std::string target() const override { return "api"; }
  std::string Describe() const override { return "slow api"; }
  net::Task<base::Result<void>> Apply(base::Deadline) override {
    const auto slept = co_await net::Sleep(50ms);
    notes_.emplace_back(slept ? "applied" : "interrupted");
    if (fails_) co_return base::Fail(base::ErrorCode::kIo, "it cannot be slowed");
    co_return base::Result<void>();
  }
  net::Task<base::Result<Proof>> Heal(base::Deadline) override {
    notes_.emplace_back("healed");
    co_return Proof{.shown = true};
  }
  Proof Effect() const override { return {.shown = true}; }

 private:
  std::vector<std::string>& notes_;
  bool fails_;
};

class FaultSiteTest : public testing::Test {
 protected:
  base::Deadline Soon() const { return base::Deadline::After(10s); }

  base::SystemClock clock_;
  std::vector<std::string> notes_;
  std::vector<std::string> events_;
  FaultSite site_{Ground{.clock = clock_, .run_directory = {}},
                  [this](std::string_view kind, std::string_view, boost::json::object,
                         std::vector<std::string>) { events_.emplace_back(kind); }};
  net::Runtime runtime_;
};

TEST_F(FaultSiteTest, AFaultThatIsCancelledWhileItIsAppliedIsWholeAndCanBeHealed) {
  net::Cancellation stop;
  const auto inject = [&]() -> net::Task<base::Result<void>> {
    co_return co_await site_.Inject("me", "slow", std::make_unique<Slow>(notes_), Soon());
  };
  const auto interrupted = [&]() -> net::Task<base::Result<void>> {
    co_return co_await net::WithCancellation(inject(), stop);
  };
  stop.Request();
  static_cast<void>(runtime_.Run(interrupted()));
  EXPECT_THAT(notes_, ElementsAre("applied"));
  EXPECT_TRUE(site_.IsActive("me", "slow"));
  const auto reports = runtime_.Run(site_.HealAll("me", Soon()));
  ASSERT_EQ(reports.size(), 1U);
  EXPECT_TRUE(reports[0].is_proven());
  EXPECT_THAT(notes_, ElementsAre("applied", "healed"));
  EXPECT_THAT(events_, ElementsAre("fault.injected", "fault.effect", "fault.healed"));
}

TEST_F(FaultSiteTest, AFaultThatCannotBeAppliedIsHealedAgain) {
  const auto done =
      runtime_.Run(site_.Inject("me", "slow", std::make_unique<Slow>(notes_, true), Soon()));
  ASSERT_FALSE(done);
  EXPECT_THAT(done.error().ToString(), testing::HasSubstr("applying the fault: slow api"));
  EXPECT_THAT(notes_, ElementsAre("applied", "healed"));
  EXPECT_FALSE(site_.IsActive("me", "slow"));
}

TEST_F(FaultSiteTest, NamesBelongToTheirOwner) {
  const auto inject = [&](const char* owner) {
    return runtime_.Run(site_.Inject(owner, "slow", std::make_unique<Slow>(notes_), Soon()));
  };
  ASSERT_TRUE(inject("me"));
  EXPECT_EQ(inject("me").error().code, base::ErrorCode::kConflict);
  ASSERT_TRUE(inject("you"));
  EXPECT_EQ(runtime_.Run(site_.Heal("you", "fast", Soon())).error().code,
            base::ErrorCode::kNotFound);
  EXPECT_TRUE(runtime_.Run(site_.Heal("you", "slow", Soon())));
  EXPECT_THAT(site_.ActiveOf("me"), ElementsAre("slow"));
  EXPECT_TRUE(site_.ActiveOf("you").empty());
}

}  // namespace
}  // namespace assay::fault
