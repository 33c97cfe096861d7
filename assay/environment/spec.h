#pragma once
// An environment as it is to be brought up: everything of the file is checked and evaluated, apart
// from what is known only when ports and directories are chosen.

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "assay/environment/guardian/limits.h"
#include "lib/base/clock.h"
#include "lib/base/result.h"

namespace assay::environment {

/// Where a service lives.
struct ServicePlace {
  std::string directory;                                ///< its data directory
  std::vector<std::pair<std::string, uint16_t>> ports;  ///< in the order of the file

  /// The first one, `${{ port }}`; 0 when there is none.
  uint16_t port() const { return ports.empty() ? uint16_t{0} : ports.front().second; }
};

/// What a late text may use. Every service has its place before the first one is started.
struct Placement {
  std::string service;  ///< whose text it is; "" for endpoints
  std::map<std::string, ServicePlace> services;
  std::map<std::string, uint16_t> links;  ///< the port that each listens on

  /// nullptr for endpoints.
  const ServicePlace* own() const;
};

/// A text that is complete only when places are known: the compiled template of the file.
using LateText = std::function<base::Result<std::string>(const Placement&)>;
LateText Fixed(std::string text);
/// The port of a service as text; "" names the service itself, and its first port.
LateText PortOf(std::string service = {}, std::string port = {});

enum class ProbeKind { kHttp, kTcp, kSql, kRedis, kS3, kAmqp, kWebSocket, kLog, kExec, kFile };
std::string_view ToString(ProbeKind kind);

/// How to see that a service is ready.
struct ProbeSpec {
  ProbeKind kind = ProbeKind::kTcp;
  /// http, websocket: a URL, or a path on the first port. tcp: `host:port`, `:port`, or "" for the
  /// first port. sql: a URL that sql::Open takes; a relative path of SQLite starts at the data
  /// directory. log: RE2, searched in each line. file: a path, relative to the data directory.
  /// s3: `http://KEY:SECRET@host:port`, or "" for the first port without a key.
  /// redis, amqp: a URL, or "" for the first port without a login.
  LateText target = Fixed({});
  std::vector<LateText> command = {};  ///< exec
  int exit_code = 0;                   ///< exec
  int64_t occurrences = 1;             ///< log: lines that must match since the start
  std::string query = "SELECT 1";  ///< sql: ready unless it gives no row, or first false, 0, null
  std::string matches = {};        ///< file: RE2 that the content must match; "": existence
  std::vector<std::pair<std::string, std::string>> headers = {};  ///< http, websocket
  std::vector<int> statuses = {};                                 ///< http; empty: 200 to 299;
                                                                  ///< websocket; empty: 101
  /// http: a further condition on the answer; empty: none.
  std::function<base::Result<bool>(int status, const std::string& body)> accept = {};
  base::Duration within = std::chrono::seconds(30);
  base::Duration every = std::chrono::milliseconds(250);
};

enum class StartCondition {
  kStarted,    ///< its program runs
  kReady,      ///< all its probes succeeded
  kCompleted,  ///< it exited with code 0
};

struct DependencySpec {
  std::string service;
  StartCondition condition = StartCondition::kReady;
};

enum class RestartRule { kNever, kOnFailure, kAlways };

struct PortSpec {
  std::string name;
  std::optional<uint16_t> fixed;  ///< absent: a free one is chosen
};

struct ServiceSpec {
  std::string name;
  std::vector<LateText> command;  ///< program and arguments; a relative path starts at the data
                                  ///< directory, a plain name is searched in PATH
  std::vector<std::pair<std::string, LateText>> environment;  ///< besides the inherited one
  LateText working_directory;                                 ///< empty: the data directory
  std::vector<PortSpec> ports;
  std::vector<ProbeSpec> probes;  ///< all must succeed; none: ready when started
  std::vector<DependencySpec> depends_on;
  ServiceLimits limits;
  RestartRule restart = RestartRule::kNever;
  int64_t max_restarts = 3;
  int stop_signal = 15;  ///< SIGTERM
  base::Duration stop_grace = std::chrono::seconds(10);
  bool optional = false;                    ///< its failure does not fail the environment
  std::optional<uint64_t> disk_bytes = {};  ///< its data directory is a file system of this size
};

struct EndpointSpec {
  std::string name;
  LateText url;
};

/// A proxy on the way to a service. Whoever makes the environment opens it before, see
/// EnvironmentContext::links.
struct LinkSpec {
  std::string name;
  LateText target;     ///< `host:port`; complete once the service is placed
  std::string listen;  ///< numeric address
};

enum class EnvironmentType { kProcess, kCompose, kKubernetes, kRemote };
std::string_view ToString(EnvironmentType type);

/// Type compose.
struct ComposeSpec {
  std::vector<std::string> files;    ///< absolute
  std::string project;               ///< how the project's name begins; "": the environment's name
  std::vector<std::string> command;  ///< `docker compose`; empty: the first one that works
  std::vector<std::pair<std::string, LateText>> environment;  ///< variables of the files
};

/// A chart of type kubernetes.
struct HelmChart {
  std::string chart;    ///< an absolute path, `repository/chart`, or a URL
  std::string release;  ///< its name in the namespace
  std::string version;  ///< of the chart, for those that are not paths; "": the latest
  std::vector<std::string> value_files;  ///< absolute
  LateText values = Fixed("{}");         ///< JSON object, over those of the files
};

/// Type kubernetes.
struct KubernetesSpec {
  std::vector<std::string> manifests;                       ///< absolute; files and folders
  std::vector<std::pair<std::string, LateText>> variables;  ///< `${NAME}` in them
  std::vector<HelmChart> charts;
  std::string kubeconfig;  ///< absolute; "": as kubectl finds it
  std::string context;     ///< "": the current one
  std::string space;       ///< how the namespace's name begins; "": the environment's name
};

struct EnvironmentSpec {
  std::string name;
  EnvironmentType type = EnvironmentType::kProcess;
  std::string profile;
  /// Other types than process use only name, probes and `optional` of a service.
  std::vector<ServiceSpec> services;
  std::vector<EndpointSpec> endpoints;
  ComposeSpec compose;
  KubernetesSpec kubernetes;
  base::Duration start_timeout = std::chrono::minutes(2);
  std::vector<LinkSpec> links = {};
};

/// The services so that each one comes after those it depends on. Reports unknown names and
/// circles (`a -> b -> a`).
base::Result<std::vector<size_t>> StartOrder(const std::vector<ServiceSpec>& services);

}  // namespace assay::environment
