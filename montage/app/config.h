#pragma once
// Montage's configuration: flag over environment variable over file over default, and where each
// value came from.

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/clock.h"
#include "lib/base/result.h"

namespace montage::app {

struct Config {
  std::string data_dir;
  std::string listen_host;
  uint16_t listen_port = 0;  ///< 0: a free one, printed when it is known
  std::string key_file;      ///< "": `keys` in the data directory
  int workers = 0;           ///< analysis threads in this process; 0: none
  int request_threads = 0;
  uint64_t max_upload_bytes = 0;
  base::Duration access_token_lifetime{};
  base::Duration refresh_token_lifetime{};
  int login_max_failures = 0;
  base::Duration login_lockout{};
  int max_batch_files = 0;
  std::string log_level;                ///< debug, info, warn or error
  std::string database_url;             ///< "": SQLite in the data directory
  std::string database_replica_url;     ///< "": none
  std::string cache_url;                ///< "": in the process
  bool cache_required_at_start = true;  ///< a start waits until the cache's server answers
  base::Duration cache_ttl{};
  uint64_t cache_bytes = 0;
  std::string queue_url;   ///< "": in the database
  std::string queue_name;  ///< of exchange and queues at the broker
  base::Duration job_lease{};
  base::Duration leftover_age{};
  std::string objects_url;   ///< "": files in the data directory
  std::string model_path;    ///< "": the feature-based methods answer
  std::string model_sha256;  ///< "": in the file <model>.sha256
  std::string model_source;  ///< URL or path; "": a damaged model is not fetched
  uint64_t model_memory_bytes = 0;
  std::string infer_program;  ///< "": montage-infer beside this program
  /// What an acknowledged change survives: a power cut (true) or only the death of the process.
  bool survives_power_loss = true;
};

/// One key of the configuration, for `montage config show` and the reference page.
struct ConfigKey {
  std::string_view name;      ///< `max_upload_bytes`; flag `--max-upload-bytes`
  std::string_view variable;  ///< `MONTAGE_MAX_UPLOAD_BYTES`
  std::string_view alias;  ///< a second variable that deployments use, such as DATABASE_URL, or ""
  std::string_view fallback;  ///< default as text
  std::string_view doc;
  bool secret = false;  ///< shown with passwords masked
};

std::span<const ConfigKey> ConfigKeys();

/// A value as text and where it came from: `flag --listen`, `variable MONTAGE_LISTEN`, `file
/// montage.yaml:3`, `default`.
struct ConfigOrigin {
  std::string_view key;
  std::string value;
  std::string origin;
};

struct LoadedConfig {
  Config config;
  std::vector<ConfigOrigin> origins;  ///< in the order of ConfigKeys()
};

struct ConfigSources {
  std::map<std::string, std::string> flags;  ///< by key name
  std::function<std::optional<std::string>(std::string_view variable)> environment;
  std::string file_name;  ///< "" for none
  std::string file_text;  ///< YAML, a flat map of keys
};

/// kInvalid names the key, the value, where it came from and what was expected.
base::Result<LoadedConfig> LoadConfig(const ConfigSources& sources);

/// The password of a URL replaced by `***`.
std::string MaskPassword(std::string_view url);

}  // namespace montage::app
