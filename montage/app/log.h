#pragma once
// Structured logs: one JSON object a line.
//
// Fields hold ids, route templates, numbers and closed words. Never put contents, names, query
// strings or tokens into them.

#include <memory>
#include <string_view>

#include <boost/json/object.hpp>

#include "lib/base/clock.h"
#include "lib/base/error.h"
#include "lib/base/result.h"

namespace montage::app {

enum class LogLevel { kDebug, kInfo, kWarn, kError };
/// `debug`, `info`, `warn`, `error`.
base::Result<LogLevel> ParseLogLevel(std::string_view text);

/// Thread-safe. Lines go to standard error at once.
class Log {
 public:
  Log(LogLevel level, const base::Clock& clock);
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  /// `{"time": ..., "level": ..., "event": event, ...fields}`.
  void Write(LogLevel level, std::string_view event, boost::json::object fields = {});
  void Write(std::string_view event, const base::Error& error);

 private:
  struct Sink;
  std::unique_ptr<Sink> sink_;
  const base::Clock& clock_;
};

}  // namespace montage::app
