#include "montage/app/config.h"

#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include "lib/base/suggest.h"
#include "lib/base/units.h"

namespace montage::app {
namespace {

using base::ErrorCode;
using base::Result;

constexpr std::array kKeys = {
    ConfigKey{"data", "MONTAGE_DATA", "", "montage-data", "directory of everything Montage keeps"},
    ConfigKey{"key_file", "MONTAGE_KEY_FILE", "", "",
              "file of the master keys; empty: `keys` in the data directory"},
    ConfigKey{"listen", "MONTAGE_LISTEN", "", "127.0.0.1:8080",
              "address and port; port 0 takes a free one"},
    ConfigKey{"workers", "MONTAGE_WORKERS", "", "2",
              "analysis threads in this process; 0 for none"},
    ConfigKey{"request_threads", "MONTAGE_REQUEST_THREADS", "", "4",
              "threads for requests that use the database"},
    ConfigKey{"max_upload", "MONTAGE_MAX_UPLOAD", "", "2GiB", "largest recording that is accepted"},
    ConfigKey{"max_batch_files", "MONTAGE_MAX_BATCH_FILES", "", "100", "most files of one batch"},
    ConfigKey{"access_token_lifetime", "MONTAGE_ACCESS_TOKEN_LIFETIME", "", "30m",
              "validity of an access token"},
    ConfigKey{"refresh_token_lifetime", "MONTAGE_REFRESH_TOKEN_LIFETIME", "", "7d",
              "validity of a refresh token"},
    ConfigKey{"login_max_failures", "MONTAGE_LOGIN_MAX_FAILURES", "", "5",
              "wrong passwords before a lockout"},
    ConfigKey{"login_lockout", "MONTAGE_LOGIN_LOCKOUT", "", "15m",
              "how long a locked account refuses"},
    ConfigKey{"durability", "MONTAGE_DURABILITY", "", "power-loss",
              "what an acknowledged change survives: power-loss or process-death"},
    ConfigKey{"log_level", "MONTAGE_LOG_LEVEL", "", "info", "debug, info, warn or error"},
    ConfigKey{"database", "MONTAGE_DATABASE", "DATABASE_URL", "",
              "postgresql://...; empty: SQLite in the data directory", true},
    ConfigKey{"database_replica", "MONTAGE_DATABASE_REPLICA", "", "",
              "postgresql://... of a replica for reads; empty: none", true},
    ConfigKey{"cache", "MONTAGE_CACHE", "REDIS_URL", "", "redis://...; empty: in the process",
              true},
    ConfigKey{"cache_at_start", "MONTAGE_CACHE_AT_START", "", "required",
              "whether a start waits for the server of the cache: required or optional"},
    ConfigKey{"cache_ttl", "MONTAGE_CACHE_TTL", "", "1h", "how long the first level keeps a value"},
    ConfigKey{"cache_size", "MONTAGE_CACHE_SIZE", "", "64MiB", "most memory of the first level"},
    ConfigKey{"queue", "MONTAGE_QUEUE", "AMQP_URL", "", "amqp://...; empty: in the database", true},
    ConfigKey{"queue_name", "MONTAGE_QUEUE_NAME", "", "montage.jobs",
              "exchange and queue at the broker; its other queues begin with this name"},
    ConfigKey{"job_lease", "MONTAGE_JOB_LEASE", "", "30s",
              "how long a job stays with a worker that is not heard of"},
    ConfigKey{"objects", "MONTAGE_OBJECTS", "S3_ENDPOINT", "",
              "s3://KEY:SECRET@host:port...; empty: files in the data directory", true},
    ConfigKey{"leftover_age", "MONTAGE_LEFTOVER_AGE", "", "2h",
              "age at which an object without a row is removed (PostgreSQL); uploads may take half "
              "of it"},
    ConfigKey{"model", "MONTAGE_MODEL", "MODEL_PATH", "",
              "TorchScript file; empty: feature-based methods"},
    ConfigKey{"model_sha256", "MONTAGE_MODEL_SHA256", "", "",
              "SHA-256 of the model; empty: in the file <model>.sha256"},
    ConfigKey{"model_source", "MONTAGE_MODEL_SOURCE", "", "",
              "URL or path that a damaged model is fetched from; empty: never", true},
    ConfigKey{"model_memory", "MONTAGE_MODEL_MEMORY", "", "4GiB",
              "address space of the model's process"},
    ConfigKey{"infer_program", "MONTAGE_INFER_PROGRAM", "", "",
              "program that runs the model; empty: montage-infer beside this one"},
};

// libtorch alone maps about 800 MB.
constexpr uint64_t kLeastModelMemory = uint64_t{1} << 30;

// Heartbeats come six times a lease; below this the clocks of two machines matter.
constexpr base::Duration kLeastLease = std::chrono::seconds(3);
constexpr base::Duration kLongestLease = std::chrono::hours(1);

// Half of it is the most that an upload may take once its object is stored.
constexpr base::Duration kLeastLeftoverAge = std::chrono::seconds(2);

struct Found {
  std::string value;
  std::string origin;
};

bool IsSha256(std::string_view text) {
  return text.size() == 64 &&
         text.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos;
}

bool IsQueueName(std::string_view text) {
  return !text.empty() && text.size() <= 200 && std::ranges::all_of(text, [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || std::string_view(".-_").contains(c);
  });
}

base::Error Wrong(const ConfigKey& key, const Found& found, std::string_view expected) {
  return {ErrorCode::kInvalid, fmt::format("configuration {} is \"{}\" ({}); expected {}", key.name,
                                           key.secret ? MaskPassword(found.value) : found.value,
                                           found.origin, expected)};
}

Result<std::map<std::string, Found>> ReadFile(const ConfigSources& sources) {
  std::map<std::string, Found> values;
  if (sources.file_name.empty()) return values;
  YAML::Node root;
  try {
    root = YAML::Load(sources.file_text);
  } catch (const YAML::Exception& error) {
    return base::Fail(ErrorCode::kInvalid,
                      fmt::format("{}:{}: {}", sources.file_name, error.mark.line + 1, error.msg));
  }
  if (root.IsNull()) return values;
  if (!root.IsMap()) {
    return base::Fail(ErrorCode::kInvalid,
                      fmt::format("{} is no map of configuration keys", sources.file_name));
  }
  for (const auto& entry : root) {
    const auto name = entry.first.as<std::string>("");
    const int line = entry.first.Mark().line + 1;
    if (std::ranges::find(kKeys, name, &ConfigKey::name) == kKeys.end()) {
      std::vector<std::string> names;
      for (const ConfigKey& key : kKeys) names.emplace_back(key.name);
      return base::Fail(base::Error{
          ErrorCode::kInvalid,
          fmt::format("{}:{}: unknown configuration key \"{}\"", sources.file_name, line, name)}
                            .Hint(base::SuggestionFor(name, names)));
    }
    if (!entry.second.IsScalar()) {
      return base::Fail(ErrorCode::kInvalid,
                        fmt::format("{}:{}: {} must be one value", sources.file_name, line, name));
    }
    values[name] = {entry.second.Scalar(), fmt::format("file {}:{}", sources.file_name, line)};
  }
  return values;
}

Found Lookup(const ConfigKey& key, const ConfigSources& sources,
             const std::map<std::string, Found>& file) {
  if (const auto flag = sources.flags.find(std::string(key.name)); flag != sources.flags.end()) {
    std::string name(key.name);
    std::ranges::replace(name, '_', '-');
    return {flag->second, "flag --" + name};
  }
  for (const std::string_view variable : {key.variable, key.alias}) {
    if (variable.empty()) continue;
    if (const auto value = sources.environment(variable))
      return {*value, fmt::format("variable {}", variable)};
  }
  if (const auto entry = file.find(std::string(key.name)); entry != file.end())
    return entry->second;
  return {std::string(key.fallback), "default"};
}

Result<int> ParseCount(const ConfigKey& key, const Found& found, int low, int high) {
  int value = 0;
  const char* end = found.value.data() + found.value.size();
  const auto [stop, status] = std::from_chars(found.value.data(), end, value);
  if (status != std::errc() || stop != end || value < low || value > high) {
    return base::Fail(Wrong(key, found, fmt::format("a whole number from {} to {}", low, high)));
  }
  return value;
}

Result<base::Duration> ParseSpan(const ConfigKey& key, const Found& found) {
  const auto span = base::ParseDuration(found.value);
  if (!span || span->count() <= 0) return base::Fail(Wrong(key, found, "a duration such as 30m"));
  return *span;
}

Result<uint64_t> ParseBytes(const ConfigKey& key, const Found& found) {
  const auto size = base::ParseSize(found.value);
  if (!size || *size == 0) return base::Fail(Wrong(key, found, "a size such as 2GiB"));
  return *size;
}

Result<void> ParseListen(const ConfigKey& key, const Found& found, Config& config) {
  const size_t colon = found.value.rfind(':');
  int port = -1;
  if (colon != std::string::npos && colon > 0) {
    const auto parsed = ParseCount(key, {found.value.substr(colon + 1), found.origin}, 0, 65535);
    if (parsed) port = *parsed;
  }
  if (port < 0) return base::Fail(Wrong(key, found, "host:port such as 127.0.0.1:8080"));
  config.listen_host = found.value.substr(0, colon);
  config.listen_port = static_cast<uint16_t>(port);
  return {};
}

/// What several processes on one database need besides; false: another key.
Result<bool> SetScale(const ConfigKey& key, const Found& found, Config& config) {
  if (key.name == "database_replica") {
    config.database_replica_url = found.value;
  } else if (key.name == "queue_name") {
    if (!IsQueueName(found.value))
      return base::Fail(Wrong(key, found, "1 to 200 letters, digits, . - and _"));
    config.queue_name = found.value;
  } else if (key.name == "job_lease") {
    TRY(config.job_lease, ParseSpan(key, found));
    if (config.job_lease < kLeastLease || config.job_lease > kLongestLease)
      return base::Fail(Wrong(key, found, "3s to 1h"));
  } else if (key.name == "leftover_age") {
    TRY(config.leftover_age, ParseSpan(key, found));
    if (config.leftover_age < kLeastLeftoverAge) return base::Fail(Wrong(key, found, "2s or more"));
  } else {
    return false;
  }
  return true;
}

Result<void> Set(const ConfigKey& key, const Found& found, Config& config) {
  TRY(const bool is_set, SetScale(key, found, config));
  if (is_set) return {};
  const std::string_view name = key.name;
  if (name == "data") {
    if (found.value.empty()) return base::Fail(Wrong(key, found, "a directory"));
    config.data_dir = found.value;
  } else if (name == "key_file") {
    config.key_file = found.value;
  } else if (name == "listen") {
    return ParseListen(key, found, config);
  } else if (name == "workers") {
    TRY(config.workers, ParseCount(key, found, 0, 256));
  } else if (name == "request_threads") {
    TRY(config.request_threads, ParseCount(key, found, 1, 256));
  } else if (name == "max_upload") {
    TRY(config.max_upload_bytes, ParseBytes(key, found));
  } else if (name == "max_batch_files") {
    TRY(config.max_batch_files, ParseCount(key, found, 1, 10'000));
  } else if (name == "access_token_lifetime") {
    TRY(config.access_token_lifetime, ParseSpan(key, found));
  } else if (name == "refresh_token_lifetime") {
    TRY(config.refresh_token_lifetime, ParseSpan(key, found));
  } else if (name == "login_max_failures") {
    TRY(config.login_max_failures, ParseCount(key, found, 1, 1000));
  } else if (name == "login_lockout") {
    TRY(config.login_lockout, ParseSpan(key, found));
  } else if (name == "log_level") {
    constexpr std::array<std::string_view, 4> kLevels = {"debug", "info", "warn", "error"};
    if (std::ranges::find(kLevels, found.value) == kLevels.end()) {
      return base::Fail(Wrong(key, found, "debug, info, warn or error"));
    }
    config.log_level = found.value;
  } else if (name == "durability") {
    if (found.value != "power-loss" && found.value != "process-death") {
      return base::Fail(Wrong(key, found, "power-loss or process-death"));
    }
    config.survives_power_loss = found.value == "power-loss";
  } else if (name == "database") {
    config.database_url = found.value;
  } else if (name == "cache") {
    config.cache_url = found.value;
  } else if (name == "cache_at_start") {
    if (found.value != "required" && found.value != "optional")
      return base::Fail(Wrong(key, found, "required or optional"));
    config.cache_required_at_start = found.value == "required";
  } else if (name == "cache_ttl") {
    TRY(config.cache_ttl, ParseSpan(key, found));
  } else if (name == "cache_size") {
    TRY(config.cache_bytes, ParseBytes(key, found));
  } else if (name == "queue") {
    config.queue_url = found.value;
  } else if (name == "objects") {
    config.objects_url = found.value;
  } else if (name == "model") {
    config.model_path = found.value;
  } else if (name == "model_sha256") {
    if (!found.value.empty() && !IsSha256(found.value))
      return base::Fail(Wrong(key, found, "64 hexadecimal digits"));
    config.model_sha256 = found.value;
  } else if (name == "model_source") {
    config.model_source = found.value;
  } else if (name == "model_memory") {
    const auto size = base::ParseSize(found.value);
    if (!size || *size < kLeastModelMemory)
      return base::Fail(Wrong(key, found, "a size of at least 1GiB"));
    config.model_memory_bytes = *size;
  } else if (name == "infer_program") {
    config.infer_program = found.value;
  }
  return {};
}

}  // namespace

std::span<const ConfigKey> ConfigKeys() { return kKeys; }

base::Result<LoadedConfig> LoadConfig(const ConfigSources& sources) {
  TRY(const auto file, ReadFile(sources));
  LoadedConfig loaded;
  for (const ConfigKey& key : kKeys) {
    const Found found = Lookup(key, sources, file);
    TRY(Set(key, found, loaded.config));
    loaded.origins.push_back(
        {key.name, key.secret ? MaskPassword(found.value) : found.value, found.origin});
  }
  return loaded;
}

std::string MaskPassword(std::string_view url) {
  const size_t scheme = url.find("://");
  if (scheme == std::string_view::npos) return std::string(url);
  const size_t begin = scheme + 3;
  const size_t end = std::min(url.find('/', begin), url.size());
  const size_t at = url.substr(begin, end - begin).rfind('@');
  if (at == std::string_view::npos) return std::string(url);
  const size_t colon = url.substr(begin, at).find(':');
  if (colon == std::string_view::npos) return std::string(url);
  return fmt::format("{}***{}", url.substr(0, begin + colon + 1), url.substr(begin + at));
}

}  // namespace montage::app
