#include "assay/cel/conformance/test_case.h"

#include <cmath>

#include "assay/cel/engine/checker.h"

namespace assay::cel::conformance {
namespace {

int64_t Number(const std::string& text) { return text.empty() ? 0 : std::stoll(text); }

double Real(const std::string& text) {
  if (text == "inf" || text == "infinity") return INFINITY;
  if (text == "-inf" || text == "-infinity") return -INFINITY;
  if (text == "nan") return std::nan("");
  return std::strtod(text.c_str(), nullptr);
}

Value ReadValue(const Message& message);

Value ReadObject(const Message& message) {
  const Field& any = message.fields.at(0);
  const int64_t seconds = Number(any.message.Scalar("seconds"));
  const int64_t nanos = Number(any.message.Scalar("nanos"));
  if (any.name == "[type.googleapis.com/google.protobuf.Timestamp]")
    return Value::Timestamp(TimePoint{seconds, static_cast<int32_t>(nanos)});
  if (any.name == "[type.googleapis.com/google.protobuf.Duration]")
    return Value::Duration(std::chrono::nanoseconds(seconds * 1'000'000'000 + nanos));
  return Value::Error(base::ErrorCode::kUnsupported, "message " + any.name);
}

Value ReadType(const std::string& name) {
  const Type* type = FindNamedType(name);
  return Value::OfType(type != nullptr ? *type : Type::Opaque(name));
}

Value ReadValue(const Message& message) {
  if (message.fields.empty()) return Value::Null();
  const Field& field = message.fields[0];
  if (field.name == "bool_value") return Value::Bool(field.scalar == "true");
  if (field.name == "int64_value") return Value::Int(Number(field.scalar));
  if (field.name == "uint64_value") return Value::Uint(std::stoull(field.scalar));
  if (field.name == "double_value") return Value::Double(Real(field.scalar));
  if (field.name == "string_value") return Value::String(field.scalar);
  if (field.name == "bytes_value") return Value::Bytes(field.scalar);
  if (field.name == "type_value") return ReadType(field.scalar);
  if (field.name == "object_value") return ReadObject(field.message);
  if (field.name == "list_value") {
    std::vector<Value> elements;
    for (const Field* element : field.message.All("values"))
      elements.push_back(ReadValue(element->message));
    return Value::List(std::move(elements));
  }
  if (field.name == "map_value") {
    MapBuilder builder;
    for (const Field* entry : field.message.All("entries"))
      builder.Set(ReadValue(entry->message.Find("key")->message),
                  ReadValue(entry->message.Find("value")->message));
    return std::move(builder).Build();
  }
  if (field.name == "null_value") return Value::Null();
  return Value::Error(base::ErrorCode::kUnsupported, field.name);
}

Type ReadType(const Message& message) {
  if (message.fields.empty()) return Type::Dyn();
  const Field& field = message.fields[0];
  static const std::map<std::string, Type> kPlain = {
      {"BOOL", Type::Bool()},           {"INT64", Type::Int()},         {"UINT64", Type::Uint()},
      {"DOUBLE", Type::Double()},       {"STRING", Type::String()},     {"BYTES", Type::Bytes()},
      {"TIMESTAMP", Type::Timestamp()}, {"DURATION", Type::Duration()}, {"ANY", Type::Dyn()}};
  if (field.name == "primitive" || field.name == "well_known") return kPlain.at(field.scalar);
  if (field.name == "null") return Type::Null();
  if (field.name == "list_type")
    return Type::List(ReadType(field.message.Find("elem_type")->message));
  if (field.name == "map_type")
    return Type::Map(ReadType(field.message.Find("key_type")->message),
                     ReadType(field.message.Find("value_type")->message));
  if (field.name == "type_param") return Type::Param(field.scalar);
  if (field.name == "type") return Type::OfType(ReadType(field.message));
  if (field.name == "abstract_type") {
    std::vector<Type> parameters;
    for (const Field* parameter : field.message.All("parameter_types"))
      parameters.push_back(ReadType(parameter->message));
    if (field.message.Scalar("name") == "optional_type") return Type::Optional(parameters.at(0));
    return Type::Opaque(field.message.Scalar("name"), std::move(parameters));
  }
  if (field.name == "message_type") {
    const Type* type = FindNamedType(field.scalar);
    return type != nullptr ? *type : Type::Opaque(field.scalar);
  }
  return Type::Dyn();
}

void Declare(const Message& declaration, Environment& environment) {
  const std::string name = declaration.Scalar("name");
  if (const Field* ident = declaration.Find("ident")) {
    environment.Variable(name, ReadType(ident->message.Find("type")->message));
    return;
  }
  for (const Field* overload : declaration.Find("function")->message.All("overloads")) {
    Overload read;
    for (const Field* parameter : overload->message.All("params"))
      read.parameters.push_back(ReadType(parameter->message));
    read.result = ReadType(overload->message.Find("result_type")->message);
    environment.Function(name, std::move(read));
  }
}

TestCase ReadCase(const Message& message) {
  TestCase test;
  test.expression = message.Scalar("expr");
  test.text = message.text;
  test.check_only = message.Scalar("check_only") == "true";
  test.environment.BlockMacros(true)
      .Container(message.Scalar("container"))
      .Check(message.Scalar("disable_check") != "true")
      .Macros(message.Scalar("disable_macros") != "true");
  for (const Field* binding : message.All("bindings")) {
    const std::string key = binding->message.Scalar("key");
    const Field* value = binding->message.Find("value")->message.Find("value");
    test.bindings[key] = value == nullptr ? Value::Error(base::ErrorCode::kInvalid, "bound error")
                                          : ReadValue(value->message);
    test.environment.Variable(key, Type::Dyn());
  }
  for (const Field* declaration : message.All("type_env"))
    Declare(declaration->message, test.environment);
  if (const Field* value = message.Find("value")) {
    test.value = ReadValue(value->message);
  } else if (const Field* typed = message.Find("typed_result")) {
    if (const Field* result = typed->message.Find("result"))
      test.value = ReadValue(result->message);
    if (const Field* type = typed->message.Find("deduced_type"))
      test.type = ReadType(type->message);
  } else if (message.Find("eval_error") != nullptr || message.Find("any_eval_errors") != nullptr) {
    test.expects_error = true;
  } else {
    test.value = Value::Bool(true);
  }
  return test;
}

}  // namespace

std::vector<TestCase> ReadTestCases(const Message& file) {
  std::vector<TestCase> cases;
  for (const Field* section : file.All("section"))
    for (const Field* test : section->message.All("test")) {
      cases.push_back(ReadCase(test->message));
      cases.back().name = section->message.Scalar("name") + "/" + test->message.Scalar("name");
    }
  return cases;
}

}  // namespace assay::cel::conformance
