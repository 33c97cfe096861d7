#include <filesystem>
#include <ostream>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "montage/analysis/builtin_analyses.h"
#include "montage/app/analysis_runner.h"
#include "montage/app/cli/command.h"
#include "montage/app/model.h"
#include "montage/recordings/edf_recording.h"

namespace montage::app {
namespace {

using base::Result;

struct AnalyzeOptions {
  std::string file;
  std::string type = "comprehensive";
  bool as_json = false;
};

void PrintQuality(std::ostream& out, const analysis::QualityReport& quality) {
  out << fmt::format("quality      {} ({:.2f}), {}\n", analysis::ToString(quality.grade),
                     quality.score, quality.is_acceptable ? "acceptable" : "not acceptable");
  for (const std::string& reason : quality.reasons) out << "             " << reason << '\n';
  for (const analysis::ChannelQuality& channel : quality.channels) {
    if (!channel.bad) continue;
    std::string faults;
    for (const analysis::ChannelFault fault : channel.faults)
      faults += fmt::format("{}{}", faults.empty() ? "" : ", ", analysis::ToString(fault));
    out << fmt::format("bad channel  {}: {}\n", channel.name, faults);
  }
  for (const std::string& note : quality.notes) out << "note         " << note << '\n';
}

void PrintSpectrum(std::ostream& out, const analysis::SpectralReport& spectral) {
  if (spectral.posterior_rhythm)
    out << fmt::format("rhythm       {:.1f} Hz over the back of the head\n",
                       spectral.posterior_rhythm->hz);
  std::vector<std::vector<std::string>> rows{{"\nCHANNEL"}};
  for (const analysis::NamedBand& band : analysis::kBands)
    rows[0].push_back(fmt::format("{} %", band.name));
  for (const analysis::ChannelSpectrum& channel : spectral.channels) {
    rows.push_back({channel.name});
    for (const double part : channel.bands.relative)
      rows.back().push_back(fmt::format("{:.1f}", 100 * part));
  }
  PrintTable(out, rows);
}

void PrintText(std::ostream& out, const analysis::AnalysisResult& result,
               const analysis::RecordingView& view) {
  out << fmt::format("recording    {} channels, {:.1f} s\n", view.channels.size(), view.duration_s);
  if (result.findings.quality) PrintQuality(out, *result.findings.quality);
  for (const analysis::StageReport& stage : result.stages) {
    if (stage.status == analysis::StageStatus::kCompleted) continue;
    if (stage.reason == analysis::SkipReason::kNotRequested) continue;
    out << fmt::format("{:<12} {}: {}\n", analysis::ToString(stage.status),
                       analysis::ToString(stage.stage), stage.detail);
  }
  if (result.findings.spectral) PrintSpectrum(out, *result.findings.spectral);
  out << '\n' << analysis::kDisclaimer << '\n';
}

Result<int> Analyze(CommandContext& context, const AnalyzeOptions& options) {
  TRY(const auto request, ParseAnalysisRequest(options.type, "{}"));
  const base::Deadline never = base::Deadline::Never();
  TRY(const LoadedConfig loaded, context.Load());
  TRY(const auto model, LoadModel(loaded.config, context.clock, CommandDeadline()));
  TRY(auto source, formats::edf::FileSource::Open(options.file, never));
  auto recording = recordings::EdfRecording::Open(std::move(source));
  if (!recording) return base::Fail(std::move(recording).error().While("reading " + options.file));
  const analysis::RecordingView& view = (*recording)->view();
  TRY(const auto result, analysis::Analyse(view, request, analysis::BuiltInAnalyses(model),
                                           {.clock = &context.clock}, context.clock));
  if (options.as_json) {
    context.io.out << boost::json::serialize(analysis::ToJson(result, view)) << '\n';
  } else {
    PrintText(context.io.out, result, view);
  }
  return 0;
}

}  // namespace

void AddAnalyzeCommand(CLI::App& app, CommandContext& context) {
  const auto options = std::make_shared<AnalyzeOptions>();
  auto* analyze = app.add_subcommand("analyze", "Analyse an EDF or BDF file without a server");
  analyze->add_option("file", options->file, "the recording")->required();
  analyze->add_option("--type", options->type, "quick, screening or comprehensive");
  analyze->add_flag("--json", options->as_json, "the result as JSON, as the API gives it");
  analyze->callback([&context, options] {
    context.action = [&context, options] { return Analyze(context, *options); };
  });
}

}  // namespace montage::app
