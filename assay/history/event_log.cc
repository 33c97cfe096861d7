#include "assay/history/event_log.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdint>
#include <utility>

#include <boost/json.hpp>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "assay/history/file_io.h"
#include "assay/history/redactor.h"

namespace assay::history {
namespace {

constexpr size_t kLargestBatch = 256 * 1024;

// Numbers become what a reader of the line will get: JSON has no uint64 and no 1.0.
void NormaliseNumbers(boost::json::value& value) {
  constexpr double kExact = 9007199254740992.0;  // 2^53
  if (auto* object = value.if_object()) {
    for (auto& member : *object) NormaliseNumbers(member.value());
  } else if (auto* array = value.if_array()) {
    for (auto& element : *array) NormaliseNumbers(element);
  } else if (value.is_uint64() && value.get_uint64() <= static_cast<uint64_t>(INT64_MAX)) {
    value = static_cast<int64_t>(value.get_uint64());
  } else if (value.is_double()) {
    const double number = value.get_double();
    if (number == std::trunc(number) && std::abs(number) <= kExact) {
      value = static_cast<int64_t>(number);
    }
  }
}

base::Error Damaged(std::string_view name, uint64_t line, uint64_t seq, std::string_view what) {
  base::Error error{
      base::ErrorCode::kCorrupt,
      fmt::format("{}:{}: {} (the last whole event is seq {})", name, line, what, seq)};
  error.hint = "what stands before this line is still readable";
  return error;
}

base::Result<Event> ParseLine(std::string_view text, bool whole, std::string_view name,
                              uint64_t line, uint64_t seq) {
  if (!whole) return base::Fail(Damaged(name, line, seq, "the line is cut off"));
  auto event = ParseEvent(text);
  if (!event) return base::Fail(Damaged(name, line, seq, event.error().message));
  return event;
}

}  // namespace

base::Result<FileLog> FileLog::Create(const std::filesystem::path& path) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0644);
  if (fd < 0) {
    base::Error error = FileError("create", path, errno);
    if (errno == EEXIST) error.code = base::ErrorCode::kConflict;
    return base::Fail(std::move(error));
  }
  return FileLog(path, fd);
}

FileLog::FileLog(FileLog&& other) noexcept
    : path_(std::move(other.path_)), fd_(std::exchange(other.fd_, -1)), size_(other.size_) {}

FileLog& FileLog::operator=(FileLog&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(fd_, other.fd_);
  std::swap(size_, other.size_);
  return *this;
}

FileLog::~FileLog() {
  if (fd_ >= 0) ::close(fd_);
}

base::Result<void> FileLog::Append(std::string_view lines) {
  std::string_view rest = lines;
  while (!rest.empty()) {
    const ssize_t wrote = ::write(fd_, rest.data(), rest.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) {
      const int reason = errno;
      // A half line would make the whole log unreadable from here on. Should taking it back fail
      // as well, the reader reports the place.
      [[maybe_unused]] const int cut = ::ftruncate(fd_, size_);
      return base::Fail(FileError("write", path_, reason));
    }
    rest.remove_prefix(static_cast<size_t>(wrote));
  }
  size_ += static_cast<int64_t>(lines.size());
  return {};
}

base::Result<void> FileLog::Sync() {
  if (::fsync(fd_) != 0) return base::Fail(FileError("sync", path_, errno));
  return {};
}

base::Result<void> MemoryLog::Append(std::string_view lines) {
  text_ += lines;
  return {};
}

EventWriter::EventWriter(LogSink& sink, const base::Clock& clock, const Redactor& redactor,
                         EventObserver observer)
    : sink_(&sink),
      clock_(clock),
      redactor_(&redactor),
      observer_(std::move(observer)),
      started_(clock.Steady()),
      head_(FirstPrev()) {}

EventWriter::EventWriter(const base::Clock& clock)
    : sink_(nullptr), clock_(clock), redactor_(nullptr), started_(clock.Steady()) {}

uint64_t EventWriter::Write(std::string_view kind, std::string_view path, boost::json::object data,
                            std::vector<std::string> blobs) {
  if (failure_ || is_silent()) return seq_;
  Event event;
  event.seq = ++seq_;
  event.time = clock_.Now();
  last_elapsed_ = std::max(last_elapsed_, Elapsed());
  event.elapsed = last_elapsed_;
  event.kind = kind;
  event.path = redactor_->Text(path);
  redactor_->Json(data);
  for (auto& member : data) NormaliseNumbers(member.value());
  event.data = std::move(data);
  event.blobs = std::move(blobs);
  event.prev = head_;
  event.hash = HashOf(event);
  head_ = event.hash;
  queued_ += ToLine(event);
  queued_ += '\n';
  if (observer_) observer_(event);
  if (queued_.size() >= kLargestBatch) static_cast<void>(Flush());
  return seq_;
}

base::Result<void> EventWriter::Flush() {
  if (failure_) return base::Fail(*failure_);
  if (queued_.empty()) return {};
  auto written = sink_->Append(queued_);
  queued_.clear();
  if (!written) failure_ = written.error();
  return written;
}

base::Result<void> EventWriter::Finish() {
  TRY(Flush());
  if (is_silent()) return {};
  auto synced = sink_->Sync();
  if (!synced) failure_ = synced.error();
  return synced;
}

base::Result<EventReader> EventReader::Open(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  if (!stream) return base::Fail(FileError("read", file, errno));
  return EventReader(file.string(), std::move(stream));
}

base::Result<std::optional<Event>> EventReader::Next() {
  if (!std::getline(stream_, text_)) return std::nullopt;
  ++line_;
  TRY(Event event, ParseLine(text_, !stream_.eof(), name_, line_, seq_));
  seq_ = event.seq;
  return event;
}

base::Result<EventLog> ReadEvents(const std::filesystem::path& file) {
  TRY(EventReader reader, EventReader::Open(file));
  EventLog log;
  for (;;) {
    auto event = reader.Next();
    if (!event) {
      log.damage = std::move(event).error();
      return log;
    }
    if (!*event) return log;
    log.events.push_back(std::move(**event));
  }
}

EventLog ReadEventsFrom(std::string_view text, std::string_view name) {
  EventLog log;
  uint64_t line = 0;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    const bool whole = end != std::string_view::npos;
    const uint64_t seq = log.events.empty() ? 0 : log.events.back().seq;
    auto event = ParseLine(text.substr(0, end), whole, name, ++line, seq);
    if (!event) {
      log.damage = std::move(event).error();
      return log;
    }
    log.events.push_back(std::move(*event));
    text.remove_prefix(end + 1);
  }
  return log;
}

}  // namespace assay::history
