#include <chrono>
#include <filesystem>
#include <ostream>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "montage/analysis/builtin_analyses.h"
#include "montage/app/cli/command.h"
#include "montage/app/model.h"
#include "montage/evaluation/dataset.h"
#include "montage/evaluation/parallel.h"
#include "montage/evaluation/scoring.h"
#include "montage/recordings/edf_recording.h"

namespace montage::app {
namespace {

using base::Result;
using evaluation::Case;
using evaluation::Dataset;

struct EvaluateOptions {
  std::string folder;
  std::string dataset;
  size_t limit = 0;  ///< 0: all
  bool as_json = false;
};

/// What has to run for the truth of a data set, and nothing else.
analysis::Request RequestFor(Dataset dataset) {
  analysis::Request request{.type = analysis::AnalysisType::kQuick, .spectral_analysis = false};
  switch (dataset) {
    case Dataset::kTuab:
      request.abnormality_detection = true;
      break;
    case Dataset::kTusz:
    case Dataset::kTuev:
    case Dataset::kChbMit:
      request.event_detection = true;
      break;
    case Dataset::kSleepEdf:
      request.sleep_analysis = true;
      break;
    case Dataset::kEdfAnnotations:
      request.event_detection = true;
      request.sleep_analysis = true;
      break;
  }
  return request;
}

Result<Case> Evaluate(const evaluation::DatasetItem& item, const analysis::Request& request,
                      const analysis::Registry& registry, const base::Clock& clock) {
  const base::Deadline never = base::Deadline::Never();
  TRY(auto source, formats::edf::FileSource::Open(item.recording, never));
  auto recording = recordings::EdfRecording::Open(std::move(source));
  if (!recording) {
    return base::Fail(std::move(recording).error().While("reading " + item.recording.string()));
  }
  const analysis::RecordingView& view = (*recording)->view();
  Case out{.name = item.name, .duration_s = view.duration_s};
  TRY(out.truth, evaluation::ReadTruth(item, view.duration_s, never));
  TRY(const auto result, analysis::Analyse(view, request, registry, {.clock = &clock}, clock));
  TRY(out.prediction, evaluation::ReadPrediction(analysis::ToJson(result, view)));
  return out;
}

/// Says how far it is when that takes more than a second: on a terminal in one line that is
/// rewritten, elsewhere now and then.
class Progress {
 public:
  Progress(const ProgramIo& io, size_t count) : io_(io), count_(count) {}
  ~Progress() {
    if (shown_ && io_.color) io_.err << "\r\x1b[K";
  }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void Report(size_t done) {
    const auto now = std::chrono::steady_clock::now();
    const std::chrono::seconds wait(io_.color ? 1 : 10);
    if (now - last_ < wait || done == count_) return;
    last_ = now;
    shown_ = true;
    io_.err << fmt::format("{}{} of {} recordings", io_.color ? "\r\x1b[K" : "", done, count_)
            << (io_.color ? "" : "\n") << std::flush;
  }

 private:
  const ProgramIo& io_;
  size_t count_;
  bool shown_ = false;
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

struct Evaluation {
  std::vector<Case> cases;
  std::vector<std::string> left_out;
  std::vector<std::string> failed;  ///< "name: what went wrong"
  std::vector<evaluation::FigureTable> tables;
};

void PrintText(std::ostream& out, const Evaluation& evaluation, std::string_view dataset) {
  out << fmt::format("data set     {}, {} recordings\n", dataset, evaluation.cases.size());
  for (const evaluation::FigureTable& table : evaluation.tables) {
    out << '\n' << table.title << '\n';
    PrintTable(out, evaluation::ToRows(table));
    if (!table.matrix.empty()) {
      out << '\n';
      PrintTable(out, table.matrix);
    }
    for (const std::string& note : table.notes) out << "note: " << note << '\n';
  }
  for (const std::string& one : evaluation.failed) out << "\nfailed       " << one;
  if (!evaluation.failed.empty()) out << '\n';
  if (!evaluation.left_out.empty()) {
    out << fmt::format("\nleft out     {} recordings without truth, the first is {}\n",
                       evaluation.left_out.size(), evaluation.left_out.front());
  }
  out << '\n' << analysis::kDisclaimer << '\n';
}

boost::json::object ToJson(const Evaluation& evaluation, std::string_view dataset) {
  boost::json::object out;
  out["dataset"] = boost::json::string(dataset.data(), dataset.size());
  out["recordings"] = evaluation.cases.size();
  boost::json::array& tables = out["tables"].emplace_array();
  for (const evaluation::FigureTable& table : evaluation.tables)
    tables.push_back(evaluation::ToJson(table));
  const auto list = [&](const char* name, const std::vector<std::string>& texts) {
    boost::json::array& array = out[name].emplace_array();
    for (const std::string& text : texts) array.emplace_back(text);
  };
  list("failed", evaluation.failed);
  list("left_out", evaluation.left_out);
  out["disclaimer"] =
      boost::json::string(analysis::kDisclaimer.data(), analysis::kDisclaimer.size());
  return out;
}

Result<Evaluation> EvaluateAll(CommandContext& context, Dataset dataset,
                               const EvaluateOptions& options) {
  TRY(const LoadedConfig loaded, context.Load());
  TRY(const auto model, LoadModel(loaded.config, context.clock, CommandDeadline()));
  const analysis::Registry registry = analysis::BuiltInAnalyses(model);
  const analysis::Request request = RequestFor(dataset);
  // The annotations of a single file need not be about everything.
  const auto missing = registry.MissingFor(request);
  if (!missing.empty() && dataset != Dataset::kEdfAnnotations) {
    return base::Fail(base::ErrorCode::kUnsupported,
                      fmt::format("this build has no {}, which --dataset {} needs",
                                  analysis::ToString(missing.front()), options.dataset));
  }
  TRY(auto listing, evaluation::ListDataset(dataset, options.folder));
  if (options.limit > 0 && listing.items.size() > options.limit)
    listing.items.resize(options.limit);
  std::vector<std::optional<Result<Case>>> results(listing.items.size());
  {
    Progress progress(context.io, listing.items.size());
    evaluation::ForEachInParallel(
        listing.items.size(), evaluation::WorkerCount(),
        [&](size_t i) {
          results[i] = Evaluate(listing.items[i], request, registry, context.clock);
        },
        [&](size_t done) { progress.Report(done); });
  }
  Evaluation out{.left_out = std::move(listing.left_out)};
  for (size_t i = 0; i < results.size(); ++i) {
    if (*results[i]) {
      out.cases.push_back(**std::move(results[i]));
    } else {
      out.failed.push_back(
          fmt::format("{}: {}", listing.items[i].name, results[i]->error().ToString()));
    }
  }
  out.tables = evaluation::Score(out.cases);
  return out;
}

/// 1 when a recording could not be evaluated.
Result<int> RunEvaluate(CommandContext& context, const EvaluateOptions& options) {
  TRY(const Dataset dataset, evaluation::ParseDataset(options.dataset));
  TRY(const Evaluation evaluation, EvaluateAll(context, dataset, options));
  if (options.as_json) {
    context.io.out << boost::json::serialize(ToJson(evaluation, options.dataset)) << '\n';
  } else {
    PrintText(context.io.out, evaluation, options.dataset);
  }
  return evaluation.failed.empty() ? 0 : 1;
}

}  // namespace

void AddEvaluateCommand(CLI::App& app, CommandContext& context) {
  const auto options = std::make_shared<EvaluateOptions>();
  auto* evaluate = app.add_subcommand(
      "evaluate", "Compare the analyses with the annotations of a corpus on this machine");
  evaluate->add_option("folder", options->folder, "where the corpus lies")->required();
  std::string names;
  for (const std::string& name : evaluation::DatasetNames())
    names += fmt::format("{}{}", names.empty() ? "" : ", ", name);
  evaluate->add_option("--dataset", options->dataset, names)
      ->required()
      ->check([](const std::string& name) {
        const auto known = evaluation::ParseDataset(name);
        return known ? std::string() : known.error().ToString();
      });
  evaluate->add_option("--limit", options->limit, "only the first recordings by name");
  evaluate->add_flag("--json", options->as_json, "the figures as JSON");
  evaluate->callback([&context, options] {
    context.action = [&context, options] { return RunEvaluate(context, *options); };
  });
}

}  // namespace montage::app
