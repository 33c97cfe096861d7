#include "assay/environment/kubernetes/cluster.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "assay/environment/kubernetes/port_forward.h"

namespace assay::environment {
namespace {

TEST(NamespaceName, IsALabelThatKeepsTheRun) {
  EXPECT_EQ(NamespaceName("stack", "20261130-091500-x7"), "stack-20261130-091500-x7");
  EXPECT_EQ(NamespaceName("My Stack_2.", "Run_A"), "my-stack-2-run-a");
  EXPECT_EQ(NamespaceName("--", "r1"), "r1");
  EXPECT_EQ(NamespaceName("", "r1"), "r1");
  const std::string cut = NamespaceName(std::string(80, 'a'), "run-1");
  EXPECT_EQ(cut.size(), 63U);
  EXPECT_TRUE(cut.ends_with("a-run-1"));
  EXPECT_EQ(NamespaceName("env", std::string(70, 'r')), std::string(63, 'r'));
  EXPECT_EQ(NamespaceName("a-", std::string(61, 'r')), "a-" + std::string(61, 'r'));
}

TEST(RunLabel, IsAValueOfALabel) {
  EXPECT_EQ(RunLabel("r_1.x-2"), "r_1.x-2");
  EXPECT_EQ(RunLabel("run/1 "), "run-1");
  EXPECT_EQ(RunLabel(std::string(80, 'r')).size(), 63U);
}

TEST(Sweep, NamesClusterNamespaceAndRunAndHoldsNoSecret) {
  const Cluster cluster({.run = "r1",
                         .environment = {{"PATH", "/bin"}, {"TOKEN", "hush"}, {"AWS_PROFILE", "p"}},
                         .directory = "/"},
                        {.kubeconfig = "/k/config", .context = "dev"}, "stack-r1");
  const CleanupCommand sweep = cluster.Sweep(std::chrono::milliseconds(1500));
  const std::vector<std::string> rest(sweep.argv.begin() + 3, sweep.argv.end());
  EXPECT_EQ(rest, (std::vector<std::string>{"sh", "stack-r1", "r1", "2", "--kubeconfig=/k/config",
                                            "--context=dev"}));
  EXPECT_EQ(sweep.environment, (process::EnvironmentList{{"PATH", "/bin"}, {"AWS_PROFILE", "p"}}));
}

TEST(Cluster, CallsAreMadeInTheNamespaceOfTheRun) {
  const Cluster cluster({.run = "r1", .environment = {}, .directory = "/"},
                        {.kubeconfig = {}, .context = "dev"}, "stack-r1");
  EXPECT_EQ(cluster.Call({"get", "pods"}).argv,
            (std::vector<std::string>{"kubectl", "--context=dev", "--namespace=stack-r1", "get",
                                      "pods"}));
}

TEST(PortForward, CountsThePortsThatListen) {
  EXPECT_EQ(CountForwardings(""), 0U);
  EXPECT_EQ(CountForwardings("Forwarding from 127.0.0.1:18080 -> 8080\nForwarding from 127.0"), 1U);
  EXPECT_EQ(CountForwardings("Forwarding from 127.0.0.1:1 -> 8080\n"
                             "Forwarding from 127.0.0.1:2 -> 9090\nHandling connection for 1\n"),
            2U);
}

}  // namespace
}  // namespace assay::environment
