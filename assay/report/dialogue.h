#pragma once
// The readable part of a transcript blob of a conversation that is no HTTP exchange: statements and
// their rows, messages of a broker, frames of a connection.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "assay/report/report.h"

namespace assay::report {

/// One thing that was said.
struct Utterance {
  bool sent = false;
  std::string head;  ///< `text, 12 ms`, `3 rows`, `queue: orders`
  std::string body;  ///< text, "" when there is none
  /// Rows of a result with their heading, as many as the transcript has.
  std::vector<std::vector<std::string>> rows;
  uint64_t size = 0;  ///< bytes of the body that are known
  bool cut = false;   ///< the body or the rows are longer than what is here, or binary
};

struct Dialogue {
  std::string with;  ///< endpoint or URL, "" when unknown
  std::vector<Utterance> said;
  std::string end;  ///< how it ended or why it failed, ""

  /// What came back last; null when nothing did.
  const Utterance* answer() const;
};

/// nullopt when there is no transcript or it is of another kind.
std::optional<Dialogue> ReadDialogue(std::string_view transcript_blob, const ReportInput& input);

}  // namespace assay::report
