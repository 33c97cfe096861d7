#include "assay/environment/compose/container.h"

#include <gtest/gtest.h>

#include "assay/environment/compose/compose_tool.h"
#include "assay/environment/test_support.h"

namespace assay::environment {
namespace {

// As podman 4.3 writes it, without what is not read.
constexpr const char* kPodman = R"([
 {"Id": "c441", "Name": "shop_web_1", "RestartCount": 2,
  "State": {"Status": "running", "Running": true, "OOMKilled": false, "Pid": 8097, "ExitCode": 0,
            "StartedAt": "2026-11-30T03:44:01.774144334Z",
            "Health": {"Status": "unhealthy", "FailingStreak": 1,
                       "Log": [{"ExitCode": 0, "Output": ""}, {"ExitCode": 1, "Output": "no route"}]}},
  "Config": {"Labels": {"com.docker.compose.project": "shop", "com.docker.compose.service": "web"}},
  "HostConfig": {"RestartPolicy": {"Name": "on-failure", "MaximumRetryCount": 3}},
  "NetworkSettings": {"Ports": {"9443/tcp": [{"HostIp": "127.0.0.1", "HostPort": "33968"}],
                                "8080/tcp": [{"HostIp": "127.0.0.1", "HostPort": "33967"}],
                                "53/udp": [{"HostIp": "", "HostPort": "5353"}],
                                "9000/tcp": null}}},
 {"Id": "a11f", "Name": "shop_job_1", "RestartCount": 0,
  "State": {"Status": "exited", "Running": false, "OOMKilled": true, "Pid": 0, "ExitCode": 137,
            "StartedAt": "2026-11-30T03:44:05.8Z", "Health": {"Status": "", "Log": null}},
  "Config": {"Labels": {"com.docker.compose.service": "job"}},
  "HostConfig": {"RestartPolicy": {"Name": ""}}, "NetworkSettings": {"Ports": {}}}
])";

// As Docker writes it: a slash before the name, no health at all without a check.
constexpr const char* kDocker = R"([
 {"Id": "f00", "Name": "/shop-web-1", "RestartCount": 0,
  "State": {"Status": "running", "Pid": 1, "ExitCode": 0, "StartedAt": "2026-11-30T03:44:01Z"},
  "Config": {"Labels": {"com.docker.compose.service": "web"}},
  "HostConfig": {"RestartPolicy": {"Name": "always"}},
  "NetworkSettings": {"Ports": {"80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "32768"},
                                           {"HostIp": "::", "HostPort": "32768"}]}}}
])";

TEST(Container, IsReadFromPodman) {
  const auto containers = ParseContainers(kPodman).value();
  ASSERT_EQ(containers.size(), 2U);
  const Container& job = containers[0];
  EXPECT_EQ(job.service, "job");
  EXPECT_EQ(job.exit_code, 137);
  EXPECT_TRUE(job.out_of_memory);
  EXPECT_FALSE(job.is_running());
  EXPECT_EQ(job.health, "");
  EXPECT_FALSE(job.comes_back());
  const Container& web = containers[1];
  EXPECT_TRUE(web.is_running());
  EXPECT_EQ(web.pid, 8097);
  EXPECT_EQ(web.restarts, 2);
  EXPECT_EQ(web.health, "unhealthy");
  EXPECT_EQ(web.health_output, "no route");
  EXPECT_FALSE(web.comes_back()) << "on-failure, and the code is 0";
}

TEST(Container, PublishedPortsAreInTheOrderOfTheirNumbers) {
  using Ports = std::vector<std::pair<std::string, uint16_t>>;
  EXPECT_EQ(ParseContainers(kPodman).value()[1].ports,
            (Ports{{"53/udp", 5353}, {"8080", 33967}, {"9443", 33968}}));
  EXPECT_EQ(ParseContainers(kDocker).value()[0].ports, (Ports{{"80", 32768}}));
}

TEST(Container, IsReadFromDocker) {
  const auto containers = ParseContainers(kDocker).value();
  ASSERT_EQ(containers.size(), 1U);
  EXPECT_EQ(containers[0].name, "shop-web-1");
  EXPECT_EQ(containers[0].health, "");
  EXPECT_TRUE(containers[0].comes_back());
}

TEST(Container, AnythingElseIsNamed) {
  EXPECT_EQ(ParseContainers("Cannot connect").error().code, base::ErrorCode::kCorrupt);
  EXPECT_EQ(ParseContainers("{}").error().code, base::ErrorCode::kCorrupt);
  EXPECT_TRUE(ParseContainers("[]").value().empty());
  EXPECT_EQ(ParseContainers("[{\"State\": 7}, 3]").value().size(), 1U);
}

TEST(ComposeProject, NameIsValidWhateverTheEnvironmentIsCalled) {
  EXPECT_EQ(ProjectName("local", "20261121-035501-7f3a90c2"), "local-20261121-035501-7f3a90c2");
  EXPECT_EQ(ProjectName("Region \xC3\xA9", "r1"), "region----r1");
  EXPECT_EQ(ProjectName("__x", "r1"), "x-r1");
}

ToolSetting WithoutPrograms() {
  return {.run = "none", .environment = {{"PATH", "/nonexistent"}}, .directory = "/"};
}

TEST(ComposeTool, WhenThereIsNoneTheErrorSaysWhatWasTriedAndWhatToInstall) {
  net::Runtime runtime;
  const auto tool = runtime.Run(ChooseComposeTool(WithoutPrograms(), {}, Soon()));
  ASSERT_FALSE(tool.has_value());
  EXPECT_EQ(tool.error().code, base::ErrorCode::kNotFound);
  EXPECT_NE(tool.error().message.find("podman-compose: podman-compose is not installed"),
            std::string::npos);
  EXPECT_NE(tool.error().hint.find("apt-get install podman"), std::string::npos);
}

TEST(ComposeTool, AGivenCommandIsTheOnlyOneThatIsTried) {
  net::Runtime runtime;
  const auto tool =
      runtime.Run(ChooseComposeTool(WithoutPrograms(), {"nerdctl", "compose"}, Soon()));
  ASSERT_FALSE(tool.has_value());
  EXPECT_NE(tool.error().message.find("nerdctl is not installed"), std::string::npos);
}

}  // namespace
}  // namespace assay::environment
