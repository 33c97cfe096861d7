#include "montage/app/log.h"

#include <array>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_sinks.h>

namespace montage::app {
namespace {

struct NamedLevel {
  std::string_view name;
  LogLevel level;
  spdlog::level::level_enum native;
};
constexpr std::array kLevels = {
    NamedLevel{"debug", LogLevel::kDebug, spdlog::level::debug},
    NamedLevel{"info", LogLevel::kInfo, spdlog::level::info},
    NamedLevel{"warn", LogLevel::kWarn, spdlog::level::warn},
    NamedLevel{"error", LogLevel::kError, spdlog::level::err},
};

const NamedLevel& Named(LogLevel level) { return kLevels[static_cast<size_t>(level)]; }

}  // namespace

base::Result<LogLevel> ParseLogLevel(std::string_view text) {
  for (const NamedLevel& named : kLevels) {
    if (named.name == text) return named.level;
  }
  return base::Fail(
      base::ErrorCode::kInvalid,
      fmt::format("the log level is \"{}\", expected debug, info, warn or error", text));
}

struct Log::Sink {
  spdlog::logger logger{"montage", std::make_shared<spdlog::sinks::stderr_sink_mt>()};
};

Log::Log(LogLevel level, const base::Clock& clock)
    : sink_(std::make_unique<Sink>()), clock_(clock) {
  sink_->logger.set_level(Named(level).native);
  sink_->logger.set_pattern("%v");
  sink_->logger.flush_on(spdlog::level::warn);
}

Log::~Log() { sink_->logger.flush(); }

void Log::Write(LogLevel level, std::string_view event, boost::json::object fields) {
  const NamedLevel& named = Named(level);
  if (!sink_->logger.should_log(named.native)) return;
  boost::json::object line{
      {"time", base::FormatRfc3339(clock_.Now())}, {"level", named.name}, {"event", event}};
  for (auto& field : fields) line.insert_or_assign(field.key(), std::move(field.value()));
  sink_->logger.log(named.native, "{}", boost::json::serialize(line));
}

void Log::Write(std::string_view event, const base::Error& error) {
  boost::json::object fields{{"code", base::ToString(error.code)}, {"message", error.ToString()}};
  if (!error.hint.empty()) fields["hint"] = error.hint;
  Write(LogLevel::kError, event, std::move(fields));
}

}  // namespace montage::app
