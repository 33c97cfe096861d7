#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "assay/cli/exit_code.h"
#include "assay/cli/host.h"
#include "assay/cli/options.h"
#include "assay/cli/project.h"

namespace assay::cli {
namespace {

using history::Verdict;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

Invocation Parsed(const std::vector<std::string>& arguments) {
  auto parsed = ParseArguments(arguments);
  EXPECT_TRUE(parsed) << parsed.error().ToString();
  return parsed.value_or(Invocation{});
}

base::Error Refused(const std::vector<std::string>& arguments) {
  auto parsed = ParseArguments(arguments);
  EXPECT_FALSE(parsed);
  return parsed ? base::Error{} : parsed.error();
}

TEST(Options, RunTakesWhatChoosesAndWhatChanges) {
  const Invocation run =
      Parsed({"run", "suites/a", "--suite", "a,b", "--tag", "fast", "--jobs", "3", "--seed",
              "18446744073709551615", "--shard", "2/3", "--fail-fast", "--report", "json,html",
              "--retries", "2", "--timeout", "90s"});
  EXPECT_EQ(run.command, Command::kRun);
  EXPECT_THAT(run.choice.paths, ElementsAre("suites/a"));
  EXPECT_THAT(run.choice.suites, ElementsAre("a", "b"));
  EXPECT_THAT(run.choice.tags, ElementsAre("fast"));
  EXPECT_EQ(run.jobs, 3);
  EXPECT_EQ(run.seed, 18446744073709551615U);
  ASSERT_TRUE(run.shard);
  EXPECT_EQ(run.shard->index, 2U);
  EXPECT_EQ(run.shard->count, 3U);
  EXPECT_TRUE(run.fail_fast);
  EXPECT_THAT(run.reports, ElementsAre("json", "html"));
  EXPECT_EQ(run.retries, 2);
  EXPECT_EQ(run.timeout, std::chrono::seconds(90));
}

TEST(Options, VariablesKeepWhatStandsBehindTheFirstEqualsSign) {
  EXPECT_THAT(Parsed({"run", "--var", "filter=a=b", "--var", "empty="}).vars,
              ElementsAre(Pair("filter", "a=b"), Pair("empty", "")));
}

TEST(Options, AnEndpointWithoutNameIsTheDefaultOne) {
  EXPECT_THAT(Parsed({"run", "--url", "api=http://h:1", "--url", "http://h/?q=1"}).urls,
              ElementsAre(Pair("api", "http://h:1"), Pair("", "http://h/?q=1")));
}

TEST(Options, WrongUseIsNamed) {
  EXPECT_THAT(Refused({"run", "--sede", "1"}).message, HasSubstr("--sede"));
  EXPECT_THAT(Refused({"run", "--sede=1"}).hint, HasSubstr("--seed"));
  EXPECT_THAT(Refused({"rnu"}).message, HasSubstr("rnu"));
  EXPECT_THAT(Refused({"run", "--var", "novalue"}).message, HasSubstr("novalue"));
  EXPECT_THAT(Refused({"run", "--url", "nowhere"}).message, HasSubstr("nowhere"));
  EXPECT_THAT(Refused({"run", "--report", "jsn"}).hint, HasSubstr("json"));
  Refused({"run", "--shard", "4/3"});
  Refused({"run", "--jobs", "0"});
  Refused({"run", "--priority", "urgent"});
  Refused({"run", "--timeout", "soon"});
  Refused({});
}

TEST(Options, HelpIsNoMistake) {
  EXPECT_THAT(Parsed({"--help"}).help, HasSubstr("run"));
  EXPECT_THAT(Parsed({"run", "--help"}).help, HasSubstr("--seed"));
}

history::RunModel ModelOf(const std::vector<Verdict>& verdicts) {
  history::RunModel model;
  model.complete = true;
  for (const Verdict verdict : verdicts) model.scenarios.emplace_back().verdict = verdict;
  model.verdict = history::RunVerdict(model.scenarios);
  return model;
}

TEST(ExitCodes, TheWorstVerdictDecides) {
  EXPECT_EQ(ExitCodeOf(ModelOf({Verdict::kPassed})), ExitCode::kPassed);
  EXPECT_EQ(ExitCodeOf(ModelOf({Verdict::kPassed, Verdict::kSkipped})), ExitCode::kPassed);
  EXPECT_EQ(ExitCodeOf(ModelOf({Verdict::kPassed, Verdict::kInconclusive})),
            ExitCode::kInconclusive);
  EXPECT_EQ(ExitCodeOf(ModelOf({Verdict::kInconclusive, Verdict::kError})), ExitCode::kError);
  EXPECT_EQ(ExitCodeOf(ModelOf({Verdict::kError, Verdict::kFailed})), ExitCode::kFailed);
}

TEST(ExitCodes, ARunInWhichNothingPassedProvesNothing) {
  EXPECT_EQ(ExitCodeOf(ModelOf({Verdict::kSkipped})), ExitCode::kInconclusive);
  EXPECT_EQ(ExitCodeOf(ModelOf({})), ExitCode::kInconclusive);
}

TEST(ExitCodes, OptionalScenariosDoNotSpoil) {
  history::RunModel model = ModelOf({Verdict::kPassed, Verdict::kFailed});
  model.scenarios[1].optional = true;
  EXPECT_EQ(ExitCodeOf(model), ExitCode::kPassed);
}

TEST(ExitCodes, AnEnvironmentThatDidNotStartIsAnError) {
  history::RunModel model = ModelOf({Verdict::kSkipped});
  model.verdict = Verdict::kError;
  EXPECT_EQ(ExitCodeOf(model), ExitCode::kError);
}

TEST(ExitCodes, InterruptedWins) {
  history::RunModel model = ModelOf({Verdict::kFailed});
  model.interrupted = true;
  EXPECT_EQ(ExitCodeOf(model), ExitCode::kInterrupted);
}

TEST(Looks, ColourFollowsTheConventions) {
  Host host;
  EXPECT_FALSE(LookOf(host, false, false).color);
  EXPECT_TRUE(LookOf(host, true, false).color);
  EXPECT_FALSE(LookOf(host, true, true).color);
  host.environment = {{"CLICOLOR_FORCE", "1"}, {"LANG", "en_US.UTF-8"}, {"COLUMNS", "72"}};
  EXPECT_TRUE(LookOf(host, false, false).color);
  EXPECT_TRUE(LookOf(host, false, false).unicode);
  EXPECT_EQ(LookOf(host, false, false).width, 72U);
  host.environment.emplace_back("NO_COLOR", "1");
  EXPECT_FALSE(LookOf(host, true, false).color);
}

TEST(Suites, AreSystemsOrFolders) {
  EXPECT_TRUE(InSuite("suites/alpha/a.yaml", "beta", "alpha"));
  EXPECT_TRUE(InSuite("suites/alpha/a.yaml", "beta", "beta"));
  EXPECT_FALSE(InSuite("suites/alphabet/a.yaml", "beta", "alpha"));
}

}  // namespace
}  // namespace assay::cli
