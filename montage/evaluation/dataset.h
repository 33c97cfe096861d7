#pragma once
// Public corpora as they lie on disk: which recordings there are, and where their truth is.

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "lib/base/deadline.h"
#include "lib/base/result.h"
#include "montage/evaluation/truth/truth.h"

namespace montage::evaluation {

enum class Dataset { kTuab, kTusz, kTuev, kSleepEdf, kChbMit, kEdfAnnotations };
/// `tuab`, `tusz`, `tuev`, `sleep-edf`, `chb-mit`, `edf-annotations`.
std::string_view ToString(Dataset dataset);
std::vector<std::string> DatasetNames();
/// kInvalid with a suggestion for an unknown name.
base::Result<Dataset> ParseDataset(std::string_view name);

/// A recording of a corpus.
struct DatasetItem {
  Dataset dataset = Dataset::kEdfAnnotations;
  std::string name = {};                  ///< path below the folder of the corpus
  std::filesystem::path recording = {};   ///< EDF or BDF
  std::filesystem::path annotation = {};  ///< may be empty: the truth is known or in the recording
  std::optional<Truth> truth = {};        ///< known from folders or a summary
};

struct DatasetListing {
  std::vector<DatasetItem> items = {};     ///< by name
  std::vector<std::string> left_out = {};  ///< recordings without truth: "name: why"
};

/// Walks a folder and everything below it, without following links to folders.
///
///   tuab             .../normal/**.edf and .../abnormal/**.edf
///   tusz             x.edf beside x.csv_bi, x.csv, x.tse_bi or x.tse (the first that is there)
///   tuev             x.edf beside x.rec, x.csv or x.tse
///   sleep-edf        SC4001E0-PSG.edf beside SC4001EC-Hypnogram.edf: the first 6 characters agree
///   chb-mit          chb01/chb01-summary.txt and the files that it names
///   edf-annotations  every .edf and .bdf, from its own annotations
///
/// Errors: kNotFound for a folder that is not there or has nothing to evaluate, with what was
/// looked for; those of the readers of summaries.
base::Result<DatasetListing> ListDataset(Dataset dataset, const std::filesystem::path& folder);

/// The truth of an item. `duration_s` is that of the recording. Errors name the file.
base::Result<Truth> ReadTruth(const DatasetItem& item, double duration_s, base::Deadline deadline);

}  // namespace montage::evaluation
