#include "montage/analysis/artifacts/artifact_detection.h"
#include "montage/analysis/artifacts/planted_testing.h"
#include "montage/analysis/artifacts/artifact_json.h"
#include <fmt/format.h>
#include <map>
#include <chrono>
#include <gtest/gtest.h>

namespace montage::analysis {
namespace {
using synth::Plant; using synth::PlantKind;
void Show(std::string name, const synth::EegSpec& spec) {
  const auto p = Detect(spec);
  fmt::print("== {} seed {} bad {} \n", name, spec.seed, fmt::join(p.report.bad_channels, ","));
  for (auto& m : p.report.methods) {
    std::map<std::string_view,int> counts; for (auto& f : m.findings) ++counts[f.kind];
    fmt::print("  {} ran {} {} rejected {:.3f}:", ToString(m.method), m.has_run, m.reason, m.rejected_fraction);
    for (auto& [k,n] : counts) fmt::print(" {}={}", k, n);
    fmt::print("\n");
    for (auto kind : {"blink","muscle","line_noise","electrode_pop","movement"}) { auto n=CountOf(p.truth,kind); if(n) fmt::print("     {} {}/{}\n", kind, FoundOf(p, m.method, kind), n);} 
  }
  auto& d = p.report.decomposition;
  fmt::print("  conv {} its {} fitted {} removed {:.3f}\n", d.converged, d.iterations, d.fitted_s, d.removed_fraction);
  for (auto& c : d.components) { auto& m=c.measures;
    fmt::print("   {:13} {:.2f} expl {:.3f} top {:4} act {:.3f} kurt {:6.2f} slow {:.2f} fast {:.2f} line {:.2f} front {:.2f} rim {:.2f} focal {:.2f} chan {:.2f} eye {:.2f} ecg {:.2f} bpm {:.0f} irr {:.2f}\n", ToString(c.label), c.score, c.explained_fraction, c.strongest_channel, c.active_fraction, m.kurtosis, m.slow_fraction, m.fast_fraction, m.line_fraction, m.frontal_ratio, m.rim_fraction, m.focality, m.channel_fraction, m.eye_correlation, m.ecg_correlation, m.beats_per_min, m.beat_irregularity);
  }
}
TEST(Explore, All) {
  for (uint64_t seed : {1ULL, 2ULL}) {
  Show("clean", ScalpSpec(300, seed));
  Show("blinks", ScalpSpec(300, seed, {{.kind=PlantKind::kBlink, .every_s=7, .from_s=3}}));
  Show("fewblinks", ScalpSpec(300, seed, {{.kind=PlantKind::kBlink, .at_s={30,31,95,200.5}}}));
  Show("muscle", ScalpSpec(300, seed, {{.kind=PlantKind::kMuscle, .at_s={40,150,220}, .length_s=5}}));
  Show("line", ScalpSpec(300, seed, {{.kind=PlantKind::kLineNoise}}));
  Show("pops", ScalpSpec(300, seed, {{.kind=PlantKind::kElectrodePop, .at_s={20,77,140,250}}}));
  Show("movement", ScalpSpec(300, seed, {{.kind=PlantKind::kMovement, .at_s={50,180}}}));
  }
}
}
}
