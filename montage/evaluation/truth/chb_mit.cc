#include "montage/evaluation/truth/chb_mit.h"

#include "montage/evaluation/truth/text_reader.h"

namespace montage::evaluation {
namespace {

using base::Result;

class SummaryReader {
 public:
  Result<std::map<std::string, Truth>> Read(const TextFile& file) {
    for (const TextLine& line : file.lines()) {
      const size_t colon = line.text.find(':');
      if (colon == std::string_view::npos) continue;
      const std::string_view key = Trim(line.text.substr(0, colon));
      TRY(Field(line, key, Trim(line.text.substr(colon + 1))));
    }
    TRY(Close());
    if (out_.empty()) return file.Wrong("no \"File Name:\" in it, expected a CHB-MIT summary");
    return std::move(out_);
  }

 private:
  Result<void> Field(const TextLine& line, std::string_view key, std::string_view value) {
    if (key == "File Name") return Open(line, value);
    if (key == "Number of Seizures in File") {
      if (file_ == nullptr) return line.Wrong("a number of seizures before any \"File Name:\"");
      TRY(announced_, line.Number(value, key));
      return {};
    }
    if (!key.starts_with("Seizure")) return {};
    const bool start = key.ends_with("Start Time");
    if (!start && !key.ends_with("End Time")) return {};
    if (file_ == nullptr) return line.Wrong("a seizure before any \"File Name:\"");
    const std::string_view number = Split(value, ' ').empty() ? value : Split(value, ' ').front();
    TRY(const double seconds, line.Number(number, key));
    return start ? Start(line, seconds) : End(line, seconds, number);
  }

  Result<void> Open(const TextLine& line, std::string_view name) {
    TRY(Close());
    if (name.empty()) return line.Wrong("the file name is missing");
    const auto [place, fresh] = out_.try_emplace(std::string(name));
    if (!fresh) return line.Wrong(fmt::format("\"{}\" is named twice", name), name);
    file_ = &place->second;
    opened_ = line;
    return {};
  }

  Result<void> Start(const TextLine& line, double seconds) {
    if (start_s_) return line.Wrong("a second start before the end of the seizure");
    if (seconds < 0)
      return line.Wrong(fmt::format("start is {} s, expected not negative", seconds));
    start_s_ = seconds;
    return {};
  }

  Result<void> End(const TextLine& line, double seconds, std::string_view shown) {
    if (!start_s_) return line.Wrong("the end of a seizure without its start");
    if (seconds < *start_s_) {
      return line.Wrong(
          fmt::format("end is {} s, expected not before start, {} s", seconds, *start_s_), shown);
    }
    file_->events.push_back({"seizure", *start_s_, seconds - *start_s_});
    start_s_.reset();
    return {};
  }

  Result<void> Close() {
    if (file_ == nullptr) return {};
    if (start_s_) return opened_.Wrong("a seizure of this file has no end");
    if (announced_ && *announced_ != static_cast<double>(file_->events.size())) {
      return opened_.Wrong(
          fmt::format("the file should have {} seizures, but times are given for {}", *announced_,
                      file_->events.size()));
    }
    announced_.reset();
    return {};
  }

  std::map<std::string, Truth> out_;
  Truth* file_ = nullptr;  ///< that the lines are about
  TextLine opened_;
  std::optional<double> announced_;
  std::optional<double> start_s_;
};

}  // namespace

Result<std::map<std::string, Truth>> ReadChbMitSummary(std::string name, std::string text) {
  const TextFile file(std::move(name), std::move(text));
  return SummaryReader().Read(file);
}

}  // namespace montage::evaluation
