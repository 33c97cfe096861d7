#pragma once
// From a list of exchanges to a scenario: captured values, credentials, stable expectations.

#include <set>
#include <string>
#include <utility>
#include <vector>

#include <boost/json/fwd.hpp>

#include "assay/importing/captures.h"
#include "assay/importing/draft.h"
#include "assay/importing/exchange.h"
#include "assay/importing/secrets.h"
#include "assay/importing/step_writer.h"

namespace assay::importing {

/// A scenario to be written.
struct Outline {
  std::string file;  ///< without folder and ending
  std::string id;
  std::string title;
  std::string description;
  std::vector<Yaml::Entry> vars;  ///< texts may hold slots
  std::vector<Exchange> exchanges;
  std::vector<std::string> comments;  ///< at the top of the file
};

/// Writes the scenarios of one import, which share endpoints, credentials and schemas.
class ScenarioWriter {
 public:
  /// `draft` gets the files; its name is set, and its endpoints as far as they are known.
  explicit ScenarioWriter(Draft& draft);

  void Write(Outline outline);

  /// Makes a file below `schemas/`, or finds one with the same text; gives its path.
  std::string SchemaFile(const std::string& name, const boost::json::value& schema);
  Secrets& secrets() { return secrets_; }

 private:
  std::string EndpointFor(const std::string& origin);
  std::string FreePath(const std::string& folder, const std::string& stem,
                       const std::string& ending) const;
  /// What of the answer will hold again: status and shape.
  void Expect(const Exchange& exchange, std::vector<std::string>& expect);
  std::vector<std::string> WithoutSecrets(const Exchange& exchange);
  /// Members of the request that the answer repeats.
  static void Echoes(const Exchange& exchange, StepWriter& writer,
                     std::vector<std::string>& expect);
  /// Cookies that an earlier answer set are sent by the client of the scenario.
  static void DropKnownCookies(Exchange& exchange,
                               std::set<std::pair<std::string, std::string>>& known);

  Draft& draft_;
  Secrets secrets_;
  std::set<std::string> ids_;  ///< of the scenarios so far
};

/// A series of the same GET, whose answers differ in status or in a member `status` or `state`,
/// becomes one exchange with `poll`.
std::vector<Exchange> CollapsePolls(std::vector<Exchange> exchanges);

}  // namespace assay::importing
