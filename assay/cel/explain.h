#pragma once
// Why an expression came out as it did: the sub-expressions that mattered, with their values.

#include <string>
#include <vector>

#include <boost/json/fwd.hpp>

#include "assay/cel/cel.h"
#include "assay/cel/text.h"
#include "assay/cel/value.h"
#include "lib/base/span.h"

namespace assay::cel {

/// One sub-expression that mattered. The details of a comparison are its two sides; those of `all`,
/// `exists` and the like are the predicate's parts for the element that decided.
struct ExplanationNode {
  std::string expression;  ///< as written
  base::SourceSpan span;
  std::string value;  ///< short literal, or the error's message
  bool is_error = false;
  std::string element;  ///< `body.items[3]`: for a macro the element that decided; else empty
  std::string element_value;
  std::string note;  ///< `key "stauts" is not there; did you mean "status"?`; else empty
  std::vector<ExplanationNode> details;
};

/// What a report shows beneath an expectation.
struct Explanation {
  Value value;
  std::vector<ExplanationNode> nodes;  ///< in the order of evaluation
  /// Macros that were true only because their list was empty, and whose list's size the expression
  /// does not bound: as written.
  std::vector<std::string> vacuous;

  /// Indented lines, one a sub-expression, for a terminal.
  std::string ToText() const;
};

/// Evaluates again, remembering values; as deterministic as the activation.
Explanation Explain(const Program& program, const Activation& activation,
                    const EvaluationLimits& limits = {}, const TextLimits& text = {});

boost::json::value ToJson(const Explanation& explanation);

}  // namespace assay::cel
