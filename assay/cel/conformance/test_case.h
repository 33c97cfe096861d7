#pragma once
// cel.expr.conformance.test.SimpleTest: one expression and what must come of it.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "assay/cel/cel.h"
#include "assay/cel/conformance/text_proto.h"

namespace assay::cel::conformance {

struct TestCase {
  std::string name;  ///< section/test
  std::string expression;
  std::string text;  ///< the whole case as written
  bool check_only = false;
  bool expects_error = false;
  std::optional<Value> value;
  std::optional<Type> type;
  std::map<std::string, Value> bindings;
  Environment environment;
};

/// The cases of one SimpleTestFile, in order. What needs a protobuf message has neither bindings
/// nor a value; skip rules must catch it.
std::vector<TestCase> ReadTestCases(const Message& file);

}  // namespace assay::cel::conformance
