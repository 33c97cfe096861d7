#include "assay/cel/library/library.h"

namespace assay::cel {

Registrar& Registrar::Global(std::string name, std::vector<Type> parameters, Type result,
                             FunctionBody body) {
  table_.functions[std::move(name)].push_back({.parameters = std::move(parameters),
                                               .result = std::move(result),
                                               .body = std::move(body),
                                               .style = Overload::Style::kGlobal,
                                               .foldable = true});
  return *this;
}

Registrar& Registrar::Member(std::string name, std::vector<Type> parameters, Type result,
                             FunctionBody body) {
  table_.functions[std::move(name)].push_back({.parameters = std::move(parameters),
                                               .result = std::move(result),
                                               .body = std::move(body),
                                               .style = Overload::Style::kMember,
                                               .foldable = true});
  return *this;
}

Registrar& Registrar::Both(const std::string& name, const std::vector<Type>& parameters,
                           const Type& result, const FunctionBody& body) {
  return Global(name, parameters, result, body).Member(name, parameters, result, body);
}

Value InvalidArgument(std::string message) {
  return Value::Error(base::ErrorCode::kInvalid, std::move(message));
}

void RegisterStandard(FunctionTable& table) {
  RegisterOperators(table);
  RegisterConversions(table);
  RegisterTextBasics(table);
  RegisterTime(table);
}

void RegisterExtensions(FunctionTable& table) {
  RegisterStrings(table);
  RegisterMath(table);
  RegisterLists(table);
  RegisterSets(table);
  RegisterOptionals(table);
  RegisterNetwork(table);
  RegisterCodecs(table);
  RegisterStatistics(table);
  RegisterDocuments(table);
}

}  // namespace assay::cel
