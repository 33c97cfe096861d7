#pragma once
// How a step that did not pass is shown as text: like a compiler's diagnostic, with the values that
// mattered.
//
//   failed: status == 200
//     --> suites/demo/upload.yaml:31:9
//      |
//   31 |       - status == 200
//      |         ^^^^^^^^^^^^^
//      = step   upload the recording: POST /api/v1/eeg/upload (12 ms)
//      = status == 200 is false
//          status   422
//      = answer 422, application/json
//          {"error": "invalid", "message": "..."}

#include <string>
#include <vector>

#include "assay/report/report.h"

namespace assay::report {

struct TextStyle {
  bool color = false;
  size_t width = 100;  ///< longer values are cut with "..."
};

/// One block for each thing that kept the scenario from passing, in order of time; each ends with a
/// newline.
std::vector<std::string> FailureTexts(const history::ScenarioResult& scenario,
                                      const ReportInput& input, const TextStyle& style);

/// `text` in the colours of a verdict, or as it is.
std::string Painted(std::string_view text, history::Verdict verdict, const TextStyle& style);

/// At most `width` characters on one line, with "..." where something was cut.
std::string OneLine(std::string_view text, size_t width);

}  // namespace assay::report
