#include "assay/fault/toxics/window.h"

#include <gtest/gtest.h>

namespace assay::fault {
namespace {

using namespace std::chrono_literals;

TEST(Window, WithoutBoundsItIsAlwaysOn) {
  const Window window;
  EXPECT_TRUE(window.is_always());
  EXPECT_TRUE(window.IsOn(0s));
  EXPECT_TRUE(window.IsOn(1000h));
  EXPECT_EQ(window.NextChange(5s), std::nullopt);
}

TEST(Window, BeginsAfterAWhileAndEnds) {
  const Window window{.after = 2s, .lasts = 3s};
  EXPECT_FALSE(window.IsOn(1999ms));
  EXPECT_TRUE(window.IsOn(2s));
  EXPECT_TRUE(window.IsOn(4999ms));
  EXPECT_FALSE(window.IsOn(5s));
  EXPECT_EQ(window.NextChange(0s), 2s);
  EXPECT_EQ(window.NextChange(2s), 5s);
  EXPECT_EQ(window.NextChange(5s), std::nullopt);
}

TEST(Window, Repeats) {
  const Window window{.after = 1s, .lasts = 2s, .every = 10s};
  EXPECT_TRUE(window.IsOn(2s));
  EXPECT_FALSE(window.IsOn(3s));
  EXPECT_TRUE(window.IsOn(11s));
  EXPECT_FALSE(window.IsOn(13s));
  EXPECT_EQ(window.NextChange(3s), 11s);
  EXPECT_EQ(window.NextChange(11s), 13s);
  EXPECT_EQ(window.NextChange(1000s), 1001s);
}

TEST(Window, ARepetitionMustBeLongerThanWhatItRepeats) {
  EXPECT_TRUE((Window{.after = 0s, .lasts = 1s, .every = 2s}).Check().has_value());
  EXPECT_EQ((Window{.after = 0s, .lasts = 2s, .every = 2s}).Check().error().message,
            "\"every\" (2s) must be longer than \"for\" (2s)");
  EXPECT_EQ((Window{.after = 0s, .lasts = {}, .every = 2s}).Check().error().message,
            "\"every\" needs \"for\": how long it is on");
}

}  // namespace
}  // namespace assay::fault
