#include "assay/environment/kubernetes/objects.h"

#include <gtest/gtest.h>

namespace assay::environment {
namespace {

std::string ListOf(const std::string& items) {
  return R"({"kind":"List","items":[)" + items + "]}";
}

Workload Only(const std::string& item) {
  auto objects = ParseObjects(ListOf(item)).value();
  EXPECT_EQ(objects.workloads.size(), 1U);
  return objects.workloads.empty() ? Workload{} : objects.workloads.front();
}

std::string Deployment(const std::string& status, int generation = 2) {
  return R"({"kind":"Deployment","metadata":{"name":"web","generation":)" +
         std::to_string(generation) + R"(},"spec":{"replicas":2},"status":)" + status + "}";
}

TEST(Workload, ADeploymentIsCompleteWhenAllItsPodsAreNewAndAvailable) {
  const Workload complete = Only(Deployment(
      R"({"observedGeneration":2,"replicas":2,"updatedReplicas":2,"availableReplicas":2})"));
  EXPECT_TRUE(complete.is_complete);
  EXPECT_EQ(complete.id(), "deployment/web");
  const Workload waiting = Only(Deployment(
      R"({"observedGeneration":2,"replicas":2,"updatedReplicas":2,"availableReplicas":1})"));
  EXPECT_FALSE(waiting.is_complete);
  EXPECT_EQ(waiting.progress, "1 of 2 pods are available");
  const Workload rolling = Only(Deployment(
      R"({"observedGeneration":2,"replicas":3,"updatedReplicas":2,"availableReplicas":3})"));
  EXPECT_FALSE(rolling.is_complete);
  EXPECT_EQ(rolling.progress, "1 pods of the former version are still there");
}

TEST(Workload, AStatusOfAnOlderSpecificationDoesNotCount) {
  const Workload stale = Only(Deployment(
      R"({"observedGeneration":1,"replicas":2,"updatedReplicas":2,"availableReplicas":2})"));
  EXPECT_FALSE(stale.is_complete);
  EXPECT_EQ(stale.progress, "its controller has not seen it yet");
  EXPECT_FALSE(
      Only(R"({"kind":"Deployment","metadata":{"name":"new","generation":1}})").is_complete);
}

TEST(Workload, ADeploymentThatMakesNoProgressSaysWhy) {
  const Workload stuck = Only(Deployment(R"({"observedGeneration":2,"replicas":2,"conditions":[
      {"type":"Progressing","status":"False","reason":"ProgressDeadlineExceeded",
       "message":"ReplicaSet \"web-1\" has timed out"}]})"));
  EXPECT_EQ(stuck.problem, "ProgressDeadlineExceeded: ReplicaSet \"web-1\" has timed out");
}

TEST(Workload, AStatefulSetIsCompleteWhenItsRevisionIsTheLatest) {
  const auto set = [](const std::string& strategy, const std::string& status) {
    return Only(R"({"kind":"StatefulSet","metadata":{"name":"db","generation":1},
                    "spec":{"replicas":2,"updateStrategy":)" +
                strategy + R"(},"status":)" + status + "}");
  };
  const std::string latest =
      R"({"observedGeneration":1,"replicas":2,"readyReplicas":2,"updateRevision":"b","currentRevision":"b"})";
  const std::string rolling =
      R"({"observedGeneration":1,"replicas":2,"readyReplicas":2,"updatedReplicas":1,"updateRevision":"b","currentRevision":"a"})";
  EXPECT_TRUE(set(R"({"type":"RollingUpdate"})", latest).is_complete);
  EXPECT_FALSE(set(R"({"type":"RollingUpdate"})", rolling).is_complete);
  EXPECT_TRUE(set(R"({"type":"OnDelete"})", rolling).is_complete);
  EXPECT_TRUE(
      set(R"({"type":"RollingUpdate","rollingUpdate":{"partition":1}})", rolling).is_complete);
}

TEST(Workload, ADaemonSetWantsAPodOnEachOfItsNodes) {
  const auto set = [](int available) {
    return Only(R"({"kind":"DaemonSet","metadata":{"name":"agent"},"status":{
        "desiredNumberScheduled":3,"updatedNumberScheduled":3,"numberAvailable":)" +
                std::to_string(available) + "}}");
  };
  EXPECT_TRUE(set(3).is_complete);
  EXPECT_FALSE(set(2).is_complete);
  EXPECT_EQ(set(2).replicas, 3);
}

TEST(Workload, AJobIsCompleteOrHasFailed) {
  const auto job = [](const std::string& conditions) {
    return Only(R"({"kind":"Job","metadata":{"name":"migrate"},"status":{"conditions":)" +
                conditions + "}}");
  };
  EXPECT_TRUE(job(R"([{"type":"Complete","status":"True"}])").is_complete);
  EXPECT_FALSE(job("[]").is_complete);
  const Workload failed = job(
      R"([{"type":"Failed","status":"True","reason":"BackoffLimitExceeded","message":"too often"}])");
  EXPECT_FALSE(failed.is_complete);
  EXPECT_EQ(failed.problem, "BackoffLimitExceeded: too often");
}

TEST(Workload, PortsAreThoseOfContainersThenThoseThatServicesAimAt) {
  const auto objects = ParseObjects(ListOf(R"(
    {"kind":"Service","spec":{"selector":{"app":"web"},"ports":[
       {"name":"plain","port":80,"targetPort":"http"}, {"name":"raw","port":7000,"targetPort":7001},
       {"port":9090}, {"port":53,"protocol":"UDP"}]}},
    {"kind":"Service","spec":{"selector":{"app":"other"},"ports":[{"port":1234}]}},
    {"kind":"Service","spec":{"ports":[{"port":1235}]}},
    {"kind":"Deployment","metadata":{"name":"web"},"spec":{"template":{
       "metadata":{"labels":{"app":"web","tier":"front"}},
       "spec":{"containers":[{"ports":[{"name":"http","containerPort":8080},
                                       {"containerPort":53,"protocol":"UDP"}]},
                             {"ports":[{"containerPort":9090}]}]}}}})"))
                           .value();
  ASSERT_EQ(objects.workloads.size(), 1U);
  std::vector<std::string> ports;
  for (const ContainerPort& port : objects.workloads[0].ports) {
    ports.push_back(port.name + ":" + std::to_string(port.number));
  }
  EXPECT_EQ(ports, (std::vector<std::string>{"http:8080", ":9090", "raw:7001"}));
}

constexpr const char* kPod = R"({"kind":"Pod","metadata":{"name":"web-5d8f-x1","uid":"u1",
  "labels":{"pod-template-hash":"5d8f"},
  "ownerReferences":[{"kind":"ReplicaSet","name":"web-5d8f","controller":true}]},
  "status":{"phase":"Running","conditions":[{"type":"Ready","status":"True"}],
  "initContainerStatuses":[{"name":"prepare","restartCount":1,"state":{"terminated":{"exitCode":0}}}],
  "containerStatuses":[{"name":"web","restartCount":2,"state":{"running":{}}}]}})";

TEST(Pod, BelongsToTheDeploymentOfItsReplicaSet) {
  const Pod pod = ParseObjects(ListOf(kPod)).value().pods.at(0);
  EXPECT_TRUE(pod.belongs_to({.kind = WorkloadKind::kDeployment, .name = "web"}));
  EXPECT_FALSE(pod.belongs_to({.kind = WorkloadKind::kStatefulSet, .name = "web"}));
  EXPECT_FALSE(pod.belongs_to({.kind = WorkloadKind::kDeployment, .name = "web-5d8f"}));
  EXPECT_TRUE(pod.is_ready);
  EXPECT_FALSE(pod.is_leaving);
  EXPECT_EQ(pod.restarts(), 3);
  EXPECT_EQ(pod.containers.at(0).name, "prepare");
  EXPECT_EQ(pod.Trouble(), "");
}

TEST(Pod, ThatNobodyControlsHasNoOwner) {
  const auto pod = ParseObjects(ListOf(R"({"kind":"Pod","metadata":{"name":"p","ownerReferences":[
      {"kind":"Job","name":"j"}]}})"))
                       .value()
                       .pods.at(0);
  EXPECT_EQ(pod.owner, "");
}

Pod WithState(const std::string& state, int restarts) {
  return ParseObjects(
             ListOf(R"({"kind":"Pod","metadata":{"name":"p"},"status":{"containerStatuses":[
      {"name":"c","restartCount":)" +
                    std::to_string(restarts) + R"(,"state":)" + state + "}]}}"))
      .value()
      .pods.at(0);
}

TEST(Pod, SaysWhatIsWrongAndWhetherWaitingHelps) {
  const Pod missing =
      WithState(R"({"waiting":{"reason":"ImagePullBackOff","message":"no such image"}})", 0);
  EXPECT_EQ(missing.Trouble(), "container c: ImagePullBackOff, no such image");
  EXPECT_TRUE(missing.is_hopeless());
  const Pod fetching = WithState(R"({"waiting":{"reason":"ErrImagePull"}})", 0);
  EXPECT_EQ(fetching.Trouble(), "container c: ErrImagePull");
  EXPECT_FALSE(fetching.is_hopeless());
  EXPECT_FALSE(WithState(R"({"waiting":{"reason":"CrashLoopBackOff"}})", 2).is_hopeless());
  EXPECT_TRUE(WithState(R"({"waiting":{"reason":"CrashLoopBackOff"}})", 3).is_hopeless());
  EXPECT_EQ(WithState(R"({"waiting":{"reason":"ContainerCreating"}})", 0).Trouble(), "");
  EXPECT_EQ(WithState(R"({"terminated":{"exitCode":3}})", 0).Trouble(),
            "container c exited with code 3");
}

TEST(Pod, RemembersHowALifeOfAContainerEnded) {
  const auto pod =
      ParseObjects(ListOf(R"({"kind":"Pod","metadata":{"name":"p"},"status":{"containerStatuses":[
      {"name":"c","restartCount":2,"state":{"running":{}},"lastState":{"terminated":{"exitCode":9}}},
      {"name":"d","restartCount":0,"state":{"running":{}},"lastState":{}}]}})"))
          .value()
          .pods.at(0);
  EXPECT_TRUE(pod.containers.at(0).has_ended);
  EXPECT_EQ(pod.containers[0].last_exit_code, 9);
  EXPECT_FALSE(pod.containers.at(1).has_ended);
}

TEST(Objects, WhatIsNoListIsCorrupt) {
  EXPECT_EQ(ParseObjects("error: no such context").error().code, base::ErrorCode::kCorrupt);
  EXPECT_EQ(ParseObjects("[]").error().code, base::ErrorCode::kCorrupt);
  EXPECT_TRUE(ParseObjects(R"({"items":[1,{"kind":"Deployment"},{"kind":7}]})").has_value());
}

TEST(WatchReader, CutsObjectsWhereverTheBytesAreCut) {
  const std::string event = std::string(R"({"type":"ADDED","object":)") + kPod + "}\n";
  const std::string text = "Warning: {odd\n}" + event +
                           R"({"type":"BOOKMARK","object":{"kind":"Pod"}})" +
                           R"({"type":"DELETED","object":{"metadata":{"name":"a\"}{\\"}}})";
  for (const size_t step : {size_t{1}, size_t{7}, text.size()}) {
    WatchReader reader;
    std::vector<PodEvent> events;
    for (size_t at = 0; at < text.size(); at += step) {
      for (PodEvent& one : reader.Feed(std::string_view(text).substr(at, step))) {
        events.push_back(std::move(one));
      }
    }
    ASSERT_EQ(events.size(), 2U) << step;
    EXPECT_EQ(events[0].pod.name, "web-5d8f-x1");
    EXPECT_FALSE(events[0].is_gone);
    EXPECT_TRUE(events[1].is_gone);
    EXPECT_EQ(events[1].pod.name, "a\"}{\\");
  }
}

}  // namespace
}  // namespace assay::environment
