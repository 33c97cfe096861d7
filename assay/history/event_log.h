#pragma once
// The log file of a run: written redacted, chained and in batches; read back line by line.

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>

#include "assay/history/event.h"
#include "lib/base/clock.h"
#include "lib/base/result.h"

namespace assay::history {

class Redactor;

/// Where the lines go.
class LogSink {
 public:
  virtual ~LogSink() = default;
  /// All of `lines` or none of them.
  virtual base::Result<void> Append(std::string_view lines) = 0;
  /// Returns when everything appended is on stable storage.
  virtual base::Result<void> Sync() = 0;
};

/// A new file; one write(2) a batch. A batch that does not fit on the disk is taken back.
class FileLog final : public LogSink {
 public:
  /// kConflict when the file exists: a log is never continued.
  static base::Result<FileLog> Create(const std::filesystem::path& path);
  FileLog(FileLog&& other) noexcept;
  FileLog& operator=(FileLog&& other) noexcept;
  ~FileLog() override;

  base::Result<void> Append(std::string_view lines) override;
  base::Result<void> Sync() override;

 private:
  FileLog(std::filesystem::path path, int fd) : path_(std::move(path)), fd_(fd) {}
  std::filesystem::path path_;
  int fd_ = -1;
  int64_t size_ = 0;
};

class MemoryLog final : public LogSink {
 public:
  base::Result<void> Append(std::string_view lines) override;
  base::Result<void> Sync() override { return {}; }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

/// Called with every event as it will be read back, in order, before it is flushed.
using EventObserver = std::function<void(const Event&)>;

/// Not thread-safe: all calls come from the one thread that runs the event loop of the run. What
/// worker threads have to say is handed to that thread first.
class EventWriter {
 public:
  /// All three must outlive this. `elapsed` counts from here.
  EventWriter(LogSink& sink, const base::Clock& clock, const Redactor& redactor,
              EventObserver observer = {});

  /// Writes nothing: for steps whose events nobody keeps, such as those of a load.
  explicit EventWriter(const base::Clock& clock);
  bool is_silent() const { return sink_ == nullptr; }

  /// Queues an event and returns its sequence number. Nothing is written after a failure.
  uint64_t Write(std::string_view kind, std::string_view path, boost::json::object data,
                 std::vector<std::string> blobs = {});
  /// Hands all queued events to the system; called at each step end.
  base::Result<void> Flush();
  /// Flush and fsync; the last call of a run.
  base::Result<void> Finish();

  /// The first failure; the run that owns this ends as error when it is set.
  const std::optional<base::Error>& failure() const { return failure_; }
  uint64_t count() const { return seq_; }
  const std::string& head_hash() const { return head_; }
  base::Duration Elapsed() const { return clock_.Steady() - started_; }

 private:
  LogSink* sink_;  // null: silent
  const base::Clock& clock_;
  const Redactor* redactor_;
  EventObserver observer_;
  base::SteadyTime started_;
  base::Duration last_elapsed_{};
  uint64_t seq_ = 0;
  std::string head_;
  std::string queued_;
  std::optional<base::Error> failure_;
};

/// Streams one event at a time; memory stays at one line. Does not check hashes (verify.h does).
class EventReader {
 public:
  static base::Result<EventReader> Open(const std::filesystem::path& file);

  /// nullopt at the end. kCorrupt, naming file, line and the last good event, for a line that is
  /// cut off or is not an event; reading cannot go on after that.
  base::Result<std::optional<Event>> Next();
  /// The line that Next() read last, 1-based.
  uint64_t line() const { return line_; }
  /// Its text without the line end.
  const std::string& text() const { return text_; }

 private:
  EventReader(std::string name, std::ifstream stream)
      : name_(std::move(name)), stream_(std::move(stream)) {}

  std::string name_;
  std::ifstream stream_;
  std::string text_;
  uint64_t line_ = 0;
  uint64_t seq_ = 0;
};

/// What could be read of a log.
struct EventLog {
  std::vector<Event> events;
  std::optional<base::Error> damage;  ///< why reading stopped before the end
};

/// All events up to the first damaged line; an error only when the file cannot be opened.
base::Result<EventLog> ReadEvents(const std::filesystem::path& file);

/// The same for a log in memory; `name` stands in errors.
EventLog ReadEventsFrom(std::string_view text, std::string_view name);

}  // namespace assay::history
