#pragma once
// The functions that come with the language, one file a library.

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "assay/cel/engine/function_table.h"

namespace assay::cel {

/// Everything of the language definition.
void RegisterStandard(FunctionTable& table);
/// Every extension and our own functions.
void RegisterExtensions(FunctionTable& table);

void RegisterOperators(FunctionTable& table);
void RegisterConversions(FunctionTable& table);
void RegisterTextBasics(FunctionTable& table);
void RegisterTime(FunctionTable& table);

void RegisterStrings(FunctionTable& table);
void RegisterMath(FunctionTable& table);
void RegisterLists(FunctionTable& table);
void RegisterSets(FunctionTable& table);
void RegisterOptionals(FunctionTable& table);
void RegisterNetwork(FunctionTable& table);
void RegisterCodecs(FunctionTable& table);
void RegisterStatistics(FunctionTable& table);
void RegisterDocuments(FunctionTable& table);

using Arguments = std::span<const Value>;

/// Adds overloads of functions that depend on nothing but their arguments.
class Registrar {
 public:
  explicit Registrar(FunctionTable& table) : table_(table) {}

  Registrar& Global(std::string name, std::vector<Type> parameters, Type result,
                    FunctionBody body = {});
  /// The receiver is the first parameter.
  Registrar& Member(std::string name, std::vector<Type> parameters, Type result,
                    FunctionBody body = {});
  /// Callable as f(x, ...) and x.f(...).
  Registrar& Both(const std::string& name, const std::vector<Type>& parameters, const Type& result,
                  const FunctionBody& body);

 private:
  FunctionTable& table_;
};

Value InvalidArgument(std::string message);

}  // namespace assay::cel
