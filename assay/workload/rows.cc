#include "assay/workload/rows.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "assay/cel/json.h"
#include "lib/base/random.h"
#include "lib/formats/csv/csv.h"

namespace assay::workload {
namespace {

using base::ErrorCode;

constexpr std::string_view kMark = "\xEF\xBB\xBF";

std::string_view WithoutLineEnd(std::string_view text) {
  while (text.ends_with('\n') || text.ends_with('\r')) text.remove_suffix(1);
  return text;
}

// Where the record that begins at `from` ends, behind its line end. A quoted field may hold line
// ends.
size_t EndOfRecord(std::string_view text, size_t from, bool quotes) {
  bool quoted = false;
  for (size_t i = from; i < text.size(); ++i) {
    if (quotes && text[i] == '"') quoted = !quoted;
    if (text[i] == '\n' && !quoted) return i + 1;
  }
  return text.size();
}

}  // namespace

Rows::~Rows() {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast): munmap takes what mmap gave
  if (!content_.empty()) ::munmap(const_cast<char*>(content_.data()), content_.size());
}

base::Result<void> Rows::Map(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    return base::Fail(ErrorCode::kNotFound,
                      fmt::format("cannot open {}: {}", path, std::strerror(errno)));
  }
  struct stat facts{};
  const bool regular = ::fstat(fd, &facts) == 0 && S_ISREG(facts.st_mode);
  const auto size = static_cast<size_t>(regular ? facts.st_size : 0);
  void* mapped = size == 0 ? nullptr : ::mmap(nullptr, size, PROT_READ, MAP_SHARED, fd, 0);
  const int reason = errno;
  ::close(fd);
  if (!regular) return base::Fail(ErrorCode::kInvalid, path + " is no regular file");
  if (mapped == MAP_FAILED) {
    return base::Fail(ErrorCode::kIo,
                      fmt::format("cannot map {}: {}", path, std::strerror(reason)));
  }
  if (mapped != nullptr) content_ = {static_cast<const char*>(mapped), size};
  return {};
}

void Rows::FindRows() {
  size_t at = content_.starts_with(kMark) ? kMark.size() : 0;
  while (at < content_.size()) {
    const size_t end = EndOfRecord(content_, at, is_table_);
    const std::string_view record = WithoutLineEnd(content_.substr(at, end - at));
    if (!record.empty()) {
      if (is_table_ && header_.empty()) {
        header_ = record;
      } else {
        starts_.push_back(at);
      }
    }
    at = end;
  }
}

base::Result<std::shared_ptr<const Rows>> Rows::Open(const std::string& path, RowOrder order,
                                                     uint64_t seed) {
  const std::shared_ptr<Rows> rows(new Rows);
  rows->path_ = path;
  rows->order_ = order;
  rows->seed_ = seed;
  rows->is_table_ = path.ends_with(".csv");
  if (!rows->is_table_ && !path.ends_with(".jsonl") && !path.ends_with(".ndjson")) {
    return base::Fail(ErrorCode::kInvalid,
                      fmt::format("expected a .csv or .jsonl file of rows, found {}", path));
  }
  TRY(rows->Map(path));
  rows->FindRows();
  if (rows->starts_.empty()) return base::Fail(ErrorCode::kInvalid, path + " has no rows");
  TRY(rows->RowOf(0));
  return rows;
}

std::string_view Rows::Text(size_t row) const {
  const size_t at = starts_[row];
  return WithoutLineEnd(content_.substr(at, EndOfRecord(content_, at, is_table_) - at));
}

base::Result<cel::Value> Rows::RowOf(uint64_t index) const {
  size_t row = static_cast<size_t>(index % size());
  if (order_ == RowOrder::kRandom) {
    row = static_cast<size_t>(base::Random(seed_ + index * 0x9E3779B97F4A7C15ULL).Below(size()));
  }
  const auto refuse = [&](const base::Error& error) {
    return base::Fail(ErrorCode::kInvalid,
                      fmt::format("{}: row {}: {}", path_, row + 1, error.message));
  };
  if (!is_table_) {
    auto value = cel::ParseJson(Text(row));
    if (!value) return refuse(value.error());
    return value;
  }
  const auto table = formats::csv::Parse(fmt::format("{}\n{}\n", header_, Text(row)));
  if (!table) return refuse(table.error());
  cel::MapBuilder map;
  for (size_t i = 0; i < table->columns.size(); ++i) {
    map.Set(table->columns[i], cel::Value::String(table->rows.front()[i]));
  }
  return std::move(map).Build();
}

}  // namespace assay::workload
