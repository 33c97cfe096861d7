#include "assay/environment/log_capture.h"

#include <iterator>

#include <fmt/format.h>
#include <re2/re2.h>

namespace assay::environment {

namespace {

/// A line that never ends is searched in pieces of this size.
constexpr size_t kLongestLine = 64 << 10;

std::string ReadAll(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

}  // namespace

LogCapture::LogCapture(std::filesystem::path file, uint64_t limit_bytes)
    : file_(std::move(file)), half_limit_(limit_bytes / 2), stream_(file_, std::ios::binary) {}

base::Result<std::unique_ptr<LogCapture>> LogCapture::Create(std::filesystem::path file,
                                                             uint64_t limit_bytes) {
  std::error_code ignored;
  std::filesystem::remove(file.string() + ".1", ignored);
  std::unique_ptr<LogCapture> capture(new LogCapture(std::move(file), limit_bytes));
  if (!capture->stream_) {
    return base::Fail(base::ErrorCode::kIo,
                      fmt::format("cannot create the log file {}", capture->file_.string()));
  }
  return capture;
}

base::Result<void> LogCapture::Append(std::string_view bytes) {
  for (std::string_view rest = bytes; !rest.empty();) {
    const size_t end = rest.find('\n');
    line_ += rest.substr(0, end);
    if (end == std::string_view::npos && line_.size() < kLongestLine) break;
    Search(line_);
    line_.clear();
    if (end == std::string_view::npos) break;
    rest.remove_prefix(end + 1);
  }
  while (!bytes.empty()) {
    if (written_ >= half_limit_) TRY(Rotate());
    const auto piece = bytes.substr(0, half_limit_ - written_);
    stream_ << piece;
    written_ += piece.size();
    bytes.remove_prefix(piece.size());
  }
  stream_.flush();
  if (stream_) return {};
  return base::Fail(base::ErrorCode::kIo, fmt::format("cannot write {}", file_.string()));
}

base::Result<void> LogCapture::Rotate() {
  stream_.close();
  dropped_ += previous_;
  previous_ = written_;
  std::error_code error;
  std::filesystem::rename(file_, file_.string() + ".1", error);
  if (error) {
    return base::Fail(base::ErrorCode::kIo,
                      fmt::format("cannot rotate {}: {}", file_.string(), error.message()));
  }
  stream_.open(file_, std::ios::binary);
  stream_ << fmt::format("[assay: log rotated, {} bytes lost before this and the part before it]\n",
                         dropped_);
  written_ = 0;
  return {};
}

base::Result<std::shared_ptr<LogWatch>> LogCapture::Watch(const std::string& pattern) {
  auto expression = std::make_shared<const re2::RE2>(pattern, re2::RE2::Quiet);
  if (!expression->ok()) {
    return base::Fail(
        base::ErrorCode::kInvalid,
        fmt::format("\"{}\" is not a regular expression (RE2): {}", pattern, expression->error()));
  }
  watches_.push_back(std::make_shared<LogWatch>(std::move(expression)));
  return watches_.back();
}

void LogCapture::Search(std::string_view line) {
  for (const auto& watch : watches_) {
    if (re2::RE2::PartialMatch(re2::StringPiece(line.data(), line.size()), *watch->pattern_)) {
      ++watch->count_;
    }
  }
}

void LogCapture::SearchAgain() {
  for (const auto& watch : watches_) watch->Restart();
  const std::string text = Contents();
  for (size_t at = 0, end = 0; (end = text.find('\n', at)) != std::string::npos; at = end + 1) {
    Search(std::string_view(text).substr(at, end - at));
  }
}

std::vector<std::string> LogCapture::Tail(size_t lines) const {
  const std::string text = Contents();
  std::vector<std::string> tail;
  size_t end = text.size();
  if (end > 0 && text[end - 1] == '\n') --end;
  while (tail.size() < lines && end > 0) {
    const size_t before = text.rfind('\n', end - 1);
    const size_t start = before == std::string::npos ? 0 : before + 1;
    tail.insert(tail.begin(), text.substr(start, end - start));
    if (before == std::string::npos) break;
    end = before;
  }
  return tail;
}

std::string LogCapture::Contents() const { return ReadAll(file_.string() + ".1") + ReadAll(file_); }

}  // namespace assay::environment
