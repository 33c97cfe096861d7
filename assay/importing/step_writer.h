#pragma once
// One exchange as a step of a scenario.

#include <string>
#include <vector>

#include "assay/importing/captures.h"
#include "assay/importing/draft.h"
#include "assay/importing/exchange.h"
#include "assay/importing/secrets.h"
#include "assay/importing/yaml.h"

namespace assay::importing {

/// Replaces what varies in an exchange by slots, and writes it down.
class StepWriter {
 public:
  StepWriter(Captures& captures, Secrets& secrets, Draft& draft)
      : captures_(captures), secrets_(secrets), draft_(draft) {}

  /// The keys of the step, apart from `expect` and `save`, with slots in its texts. `endpoint` is
  /// "" for the default one.
  Yaml Write(const Exchange& exchange, const std::string& endpoint);

  /// A text of the request with captured values and secrets as slots.
  std::string Vary(std::string_view text, std::string_view key);

 private:
  std::string VaryPath(std::string_view path);
  std::string VarySecret(std::string_view value, std::string_view name);
  void AddQuery(const Exchange& exchange, Yaml& step);
  void AddHeaders(const Exchange& exchange, Yaml& step);
  void AddAuth(const Exchange& exchange, Yaml& step);
  void AddAuthorization(std::string_view value, Yaml& step, Yaml& headers);
  void AddCookies(std::string_view value, Yaml& headers);
  void AddContent(const Exchange& exchange, Yaml& step);
  void AddText(const Exchange& exchange, const std::string& text, Yaml& step);
  void AddForm(const Pairs& form, Yaml& step);
  void AddParts(const std::vector<Part>& parts, Yaml& step);
  /// Makes a file beside the scenario; gives its path.
  std::string KeepBytes(const std::string& bytes);
  bool AddJson(const std::string& text, Yaml& step);
  void VaryJson(Yaml& value, std::string_view key);

  Captures& captures_;
  Secrets& secrets_;
  Draft& draft_;
  std::string content_type_;  ///< that the step has to say itself
};

}  // namespace assay::importing
