#include "montage/app/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace montage::app {
namespace {

using testing::HasSubstr;

ConfigSources Sources(std::map<std::string, std::string> variables = {}) {
  ConfigSources sources;
  sources.environment = [variables](std::string_view name) -> std::optional<std::string> {
    const auto found = variables.find(std::string(name));
    if (found == variables.end()) return std::nullopt;
    return found->second;
  };
  return sources;
}

std::string OriginOf(const LoadedConfig& loaded, std::string_view key) {
  for (const ConfigOrigin& origin : loaded.origins) {
    if (origin.key == key) return origin.origin;
  }
  return "absent";
}

TEST(Config, DefaultsAreComplete) {
  const LoadedConfig loaded = LoadConfig(Sources()).value();
  EXPECT_EQ(loaded.config.listen_port, 8080);
  EXPECT_EQ(loaded.config.access_token_lifetime, std::chrono::minutes(30));
  EXPECT_EQ(loaded.config.max_upload_bytes, uint64_t{2} << 30);
  EXPECT_EQ(loaded.origins.size(), ConfigKeys().size());
  for (const ConfigOrigin& origin : loaded.origins)
    EXPECT_EQ(origin.origin, "default") << origin.key;
}

TEST(Config, FlagBeatsVariableBeatsFileBeatsDefault) {
  ConfigSources sources = Sources({{"MONTAGE_WORKERS", "3"}, {"MONTAGE_LOG_LEVEL", "warn"}});
  sources.flags = {{"workers", "4"}};
  sources.file_name = "montage.yaml";
  sources.file_text = "workers: 2\nlog_level: debug\nmax_upload: 10MB\n";
  const LoadedConfig loaded = LoadConfig(sources).value();
  EXPECT_EQ(loaded.config.workers, 4);
  EXPECT_EQ(OriginOf(loaded, "workers"), "flag --workers");
  EXPECT_EQ(loaded.config.log_level, "warn");
  EXPECT_EQ(OriginOf(loaded, "log_level"), "variable MONTAGE_LOG_LEVEL");
  EXPECT_EQ(loaded.config.max_upload_bytes, 10'000'000u);
  EXPECT_EQ(OriginOf(loaded, "max_upload"), "file montage.yaml:3");
  EXPECT_EQ(OriginOf(loaded, "data"), "default");
}

TEST(Config, KnowsTheVariablesOfTheServiceContract) {
  const LoadedConfig loaded =
      LoadConfig(Sources({{"DATABASE_URL", "postgresql://u:secret@h/db"},
                          {"MONTAGE_DATABASE_REPLICA", "postgresql://u:secret@h2/db"},
                          {"AMQP_URL", "amqp://u:secret@h/"},
                          {"MODEL_PATH", "/models/eegpt.pt"},
                          {"MONTAGE_MODEL_SOURCE", "https://u:secret@h/m"}}))
          .value();
  EXPECT_EQ(loaded.config.database_url, "postgresql://u:secret@h/db");
  EXPECT_EQ(loaded.config.database_replica_url, "postgresql://u:secret@h2/db");
  EXPECT_EQ(loaded.config.queue_url, "amqp://u:secret@h/");
  EXPECT_EQ(loaded.config.queue_name, "montage.jobs");
  EXPECT_EQ(loaded.config.job_lease, std::chrono::seconds(30));
  EXPECT_EQ(loaded.config.leftover_age, std::chrono::hours(2));
  EXPECT_EQ(loaded.config.model_path, "/models/eegpt.pt");
  EXPECT_EQ(loaded.config.model_source, "https://u:secret@h/m");
  EXPECT_EQ(OriginOf(loaded, "database"), "variable DATABASE_URL");
  for (const ConfigOrigin& origin : loaded.origins)
    EXPECT_EQ(origin.value.find("secret"), std::string::npos);
}

TEST(Config, RefusesWrongValuesNamingKeyValueOriginAndExpectation) {
  const std::pair<const char*, const char*> wrong[] = {
      {"workers", "many"},   {"workers", "-1"},         {"listen", "8080"},
      {"listen", ":80"},     {"listen", "h:99999"},     {"max_upload", "0"},
      {"max_upload", "big"}, {"login_lockout", "soon"}, {"log_level", "loud"},
      {"data", ""},          {"model_sha256", "abc"},   {"model_memory", "10MB"},
      {"queue_name", ""},    {"queue_name", "a b"},     {"job_lease", "1s"},
      {"job_lease", "2h"},   {"leftover_age", "1s"},    {"leftover_age", "old"}};
  for (const auto& [key, value] : wrong) {
    ConfigSources sources = Sources();
    sources.flags = {{key, value}};
    const auto loaded = LoadConfig(sources);
    ASSERT_FALSE(loaded.has_value()) << key << "=" << value;
    EXPECT_THAT(loaded.error().message, HasSubstr(key));
    EXPECT_THAT(loaded.error().message, HasSubstr("expected"));
  }
}

TEST(Config, FileWithUnknownKeyNamesLineAndNeighbour) {
  ConfigSources sources = Sources();
  sources.file_name = "montage.yaml";
  sources.file_text = "\nworkerz: 3\n";
  const auto loaded = LoadConfig(sources);
  ASSERT_FALSE(loaded.has_value());
  EXPECT_EQ(loaded.error().message, "montage.yaml:2: unknown configuration key \"workerz\"");
  EXPECT_EQ(loaded.error().hint, "did you mean \"workers\"?");
  sources.file_text = "workers: [1";
  EXPECT_FALSE(LoadConfig(sources).has_value());
  sources.file_text = "- 1";
  EXPECT_FALSE(LoadConfig(sources).has_value());
}

TEST(MaskPassword, HidesOnlyThePassword) {
  EXPECT_EQ(MaskPassword("postgresql://u:p@h/db"), "postgresql://u:***@h/db");
  EXPECT_EQ(MaskPassword("redis://:p@w@h"), "redis://:***@h");
  EXPECT_EQ(MaskPassword("http://h:80/x"), "http://h:80/x");
  EXPECT_EQ(MaskPassword("not a url"), "not a url");
}

}  // namespace
}  // namespace montage::app
