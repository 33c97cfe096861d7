#include "montage/evaluation/dataset.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <fstream>
#include <iterator>
#include <map>

#include <fmt/format.h>

#include "lib/base/suggest.h"
#include "lib/formats/edf/reader.h"
#include "montage/evaluation/truth/chb_mit.h"
#include "montage/evaluation/truth/edf_truth.h"
#include "montage/evaluation/truth/tuh.h"

namespace montage::evaluation {
namespace {

namespace fs = std::filesystem;
using base::ErrorCode;
using base::Fail;
using base::Result;

constexpr size_t kSleepEdfPrefix = 6;  // SC4001, ST7011: study, subject, night
/// Wake epochs kept before and after the sleep of Sleep-EDF (Supratak et al. 2017).
constexpr size_t kSleepEdfWake = 60;

struct DatasetTraits {
  Dataset dataset;
  std::string_view name;
  std::string_view looked_for;  ///< for an empty folder
};
constexpr auto kDatasets = std::to_array<DatasetTraits>({
    {Dataset::kTuab, "tuab", "*.edf below folders named normal and abnormal"},
    {Dataset::kTusz, "tusz", "*.edf beside *.csv_bi, *.csv, *.tse_bi or *.tse of the same name"},
    {Dataset::kTuev, "tuev", "*.edf beside *.rec, *.csv or *.tse of the same name"},
    {Dataset::kSleepEdf, "sleep-edf", "*-PSG.edf beside *-Hypnogram.edf of the same night"},
    {Dataset::kChbMit, "chb-mit", "*-summary.txt and the recordings that it names"},
    {Dataset::kEdfAnnotations, "edf-annotations", "*.edf and *.bdf"},
});

const DatasetTraits& TraitsOf(Dataset dataset) { return kDatasets[static_cast<size_t>(dataset)]; }

std::string Lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

bool IsRecording(const fs::path& path) {
  const std::string extension = Lower(path.extension().string());
  return extension == ".edf" || extension == ".bdf";
}

Result<std::vector<fs::path>> FilesBelow(const fs::path& folder) {
  std::error_code error;
  if (!fs::is_directory(folder, error))
    return Fail(ErrorCode::kNotFound, fmt::format("{} is no folder", folder.string()));
  std::vector<fs::path> out;
  fs::recursive_directory_iterator it(folder, fs::directory_options::skip_permission_denied, error);
  for (; !error && it != fs::recursive_directory_iterator(); it.increment(error)) {
    std::error_code ignored;
    if (it->is_regular_file(ignored)) out.push_back(it->path());
  }
  if (error)
    return Fail(ErrorCode::kIo,
                fmt::format("cannot list {}: {}", folder.string(), error.message()));
  std::ranges::sort(out);
  return out;
}

Result<std::string> ReadText(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  if (!file.is_open() || file.bad())
    return Fail(ErrorCode::kIo, fmt::format("cannot read {}", path.string()));
  return text;
}

/// Collects the items of one corpus.
class Lister {
 public:
  Lister(Dataset dataset, const fs::path& folder, std::vector<fs::path> files)
      : dataset_(dataset), folder_(folder), files_(std::move(files)) {}

  Result<DatasetListing> List() {
    for (const fs::path& file : files_) TRY(Visit(file));
    if (out_.items.empty()) {
      base::Error error{ErrorCode::kNotFound,
                        fmt::format("nothing to evaluate below {}", folder_.string())};
      if (!out_.left_out.empty())
        error.message += fmt::format("; {} recordings without truth, the first is {}",
                                     out_.left_out.size(), out_.left_out.front());
      return Fail(std::move(error).Hint(fmt::format("--dataset {} looks for {}", ToString(dataset_),
                                                    TraitsOf(dataset_).looked_for)));
    }
    std::ranges::sort(out_.items, {}, &DatasetItem::name);
    return std::move(out_);
  }

 private:
  Result<void> Visit(const fs::path& file) {
    if (dataset_ == Dataset::kChbMit) {
      if (!file.filename().string().ends_with("-summary.txt")) return {};
      return AddSummary(file);
    }
    if (!IsRecording(file)) return {};
    switch (dataset_) {
      case Dataset::kTuab:
        AddLabelled(file);
        break;
      case Dataset::kTusz:
        AddBeside(file, {".csv_bi", ".csv", ".tse_bi", ".tse"});
        break;
      case Dataset::kTuev:
        AddBeside(file, {".rec", ".csv", ".tse"});
        break;
      case Dataset::kSleepEdf:
        AddNight(file);
        break;
      default:
        Add(file, {}, {});
    }
    return {};
  }

  std::string NameOf(const fs::path& file) const {
    return file.lexically_relative(folder_).string();
  }

  void Add(const fs::path& recording, fs::path annotation, std::optional<Truth> truth) {
    out_.items.push_back(
        {dataset_, NameOf(recording), recording, std::move(annotation), std::move(truth)});
  }

  /// The innermost folder named normal or abnormal decides.
  void AddLabelled(const fs::path& file) {
    std::optional<bool> abnormal;
    for (const fs::path& part : file.lexically_relative(folder_.parent_path()).parent_path()) {
      if (part == "normal") abnormal = false;
      if (part == "abnormal") abnormal = true;
    }
    if (!abnormal) {
      out_.left_out.push_back(NameOf(file) + ": neither below normal nor below abnormal");
      return;
    }
    Add(file, {}, Truth{.is_abnormal = abnormal});
  }

  void AddBeside(const fs::path& file, std::initializer_list<std::string_view> extensions) {
    for (const std::string_view extension : extensions) {
      fs::path candidate = file;
      candidate.replace_extension(extension);
      if (std::ranges::binary_search(files_, candidate)) return Add(file, candidate, {});
    }
    out_.left_out.push_back(NameOf(file) + ": no annotation beside it");
  }

  void AddNight(const fs::path& file) {
    const std::string name = file.filename().string();
    if (!name.ends_with("-PSG.edf") || name.size() < kSleepEdfPrefix) return;
    for (const fs::path& other : files_) {
      const std::string candidate = other.filename().string();
      if (other.parent_path() == file.parent_path() && candidate.ends_with("-Hypnogram.edf") &&
          candidate.starts_with(name.substr(0, kSleepEdfPrefix)))
        return Add(file, other, {});
    }
    out_.left_out.push_back(NameOf(file) + ": no hypnogram beside it");
  }

  Result<void> AddSummary(const fs::path& summary) {
    TRY(std::string text, ReadText(summary));
    TRY(const auto truths, ReadChbMitSummary(summary.string(), std::move(text)));
    for (const auto& [name, truth] : truths) {
      const fs::path recording = summary.parent_path() / name;
      if (std::ranges::binary_search(files_, recording)) {
        Add(recording, summary, truth);
      } else {
        out_.left_out.push_back(fmt::format("{}: named by {} but not there", NameOf(recording),
                                            summary.filename().string()));
      }
    }
    return {};
  }

  Dataset dataset_;
  fs::path folder_;
  std::vector<fs::path> files_;
  DatasetListing out_;
};

/// Kinds that everybody who annotates the corpus marks; events of others may be marked, too.
std::vector<std::string> KindsOf(Dataset dataset) {
  switch (dataset) {
    case Dataset::kTusz:
    case Dataset::kChbMit:
      return {"seizure"};
    case Dataset::kTuev:
      return {"epileptiform", "PLED", "GPED", "artifact"};
    default:
      return {};
  }
}

struct Opened {
  formats::edf::AnnotationList annotations;
  std::chrono::local_seconds start;
  double first_sample_s;  ///< after the start, which has whole seconds (EDF+ 2.2.4)
};

Result<double> FirstSample(const formats::edf::Reader& reader) {
  TRY(const auto segments, reader.Segments());
  return segments.empty() ? 0.0 : segments.front().start_s;
}

Result<Opened> OpenAnnotations(const fs::path& path, base::Deadline deadline) {
  TRY(auto source, formats::edf::FileSource::Open(path, deadline));
  TRY(const auto reader, formats::edf::Reader::Open(std::move(source)));
  TRY(auto list, reader.Annotations());
  TRY(const double first_sample_s, FirstSample(reader));
  return Opened{std::move(list), reader.header().start, first_sample_s};
}

Result<Truth> ReadNight(const DatasetItem& item, double duration_s, base::Deadline deadline) {
  TRY(const Opened hypnogram, OpenAnnotations(item.annotation, deadline));
  TRY(auto source, formats::edf::FileSource::Open(item.recording, deadline));
  TRY(const auto recording, formats::edf::Reader::Open(std::move(source)));
  TRY(const double first_sample_s, FirstSample(recording));
  const auto offset = std::chrono::duration<double>(hypnogram.start - recording.header().start) -
                      std::chrono::duration<double>(first_sample_s);
  if (std::abs(offset.count()) > duration_s) {
    return Fail(ErrorCode::kInvalid,
                fmt::format("the hypnogram starts {} s from the recording of {} s", offset.count(),
                            duration_s));
  }
  TRY(Truth truth, ReadEdfTruth(hypnogram.annotations.annotations, duration_s, offset.count()));
  TrimWake(truth.stages, kSleepEdfWake);
  return truth;
}

Result<Truth> ReadByDataset(const DatasetItem& item, double duration_s, base::Deadline deadline) {
  switch (item.dataset) {
    case Dataset::kSleepEdf:
      return ReadNight(item, duration_s, deadline);
    case Dataset::kEdfAnnotations: {
      TRY(const Opened own, OpenAnnotations(item.recording, deadline));
      return ReadEdfTruth(own.annotations.annotations, duration_s, -own.first_sample_s);
    }
    default: {
      TRY(std::string text, ReadText(item.annotation));
      return ReadTuhAnnotation(item.annotation.string(), std::move(text));
    }
  }
}

}  // namespace

std::string_view ToString(Dataset dataset) { return TraitsOf(dataset).name; }

std::vector<std::string> DatasetNames() {
  std::vector<std::string> out;
  for (const DatasetTraits& traits : kDatasets) out.emplace_back(traits.name);
  return out;
}

Result<Dataset> ParseDataset(std::string_view name) {
  const auto found = std::ranges::find(kDatasets, name, &DatasetTraits::name);
  if (found != kDatasets.end()) return found->dataset;
  return Fail(base::Error{ErrorCode::kInvalid, fmt::format("unknown data set \"{}\"", name)}.Hint(
      base::SuggestionFor(std::string(name), DatasetNames())));
}

Result<DatasetListing> ListDataset(Dataset dataset, const fs::path& folder) {
  // Without a trailing slash, so that relative names come out as expected.
  fs::path clean = folder.lexically_normal();
  if (!clean.has_filename() && clean.has_relative_path()) clean = clean.parent_path();
  TRY(std::vector<fs::path> files, FilesBelow(clean));
  return Lister(dataset, clean, std::move(files)).List();
}

Result<Truth> ReadTruth(const DatasetItem& item, double duration_s, base::Deadline deadline) {
  auto truth = item.truth ? Result<Truth>(*item.truth) : ReadByDataset(item, duration_s, deadline);
  if (truth) truth->annotated = KindsOf(item.dataset);
  const fs::path& from = item.annotation.empty() ? item.recording : item.annotation;
  if (!truth && !truth.error().span.known())
    return Fail(std::move(truth).error().While("reading " + from.string()));
  return truth;
}

}  // namespace montage::evaluation
