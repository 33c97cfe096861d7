// Signatures of the operators; the nodes of the engine evaluate them.

#include "assay/cel/library/library.h"
#include "assay/cel/syntax/ast.h"

namespace assay::cel {
namespace {

void RegisterComparisons(Registrar& registrar) {
  const Type a = Type::Param("A");
  const Type numbers[] = {Type::Int(), Type::Uint(), Type::Double()};
  for (const char* name : {operators::kEqual, operators::kNotEqual}) {
    registrar.Global(name, {a, a}, Type::Bool());
    registrar.Global(name, {Type::Null(), a}, Type::Bool());
    registrar.Global(name, {a, Type::Null()}, Type::Bool());
    for (const Type& left : numbers)
      for (const Type& right : numbers)
        if (!(left == right)) registrar.Global(name, {left, right}, Type::Bool());
  }
  for (const char* name :
       {operators::kLess, operators::kLessEqual, operators::kGreater, operators::kGreaterEqual}) {
    for (const Type& type :
         {Type::Bool(), Type::String(), Type::Bytes(), Type::Timestamp(), Type::Duration()})
      registrar.Global(name, {type, type}, Type::Bool());
    for (const Type& left : numbers)
      for (const Type& right : numbers) registrar.Global(name, {left, right}, Type::Bool());
  }
}

void RegisterArithmetic(Registrar& registrar) {
  const Type list = Type::List(Type::Param("A"));
  const Type time = Type::Timestamp();
  const Type span = Type::Duration();
  for (const char* name :
       {operators::kAdd, operators::kSubtract, operators::kMultiply, operators::kDivide})
    for (const Type& type : {Type::Int(), Type::Uint(), Type::Double()})
      registrar.Global(name, {type, type}, type);
  for (const Type& type : {Type::Int(), Type::Uint()})
    registrar.Global(operators::kModulo, {type, type}, type);
  for (const Type& type : {Type::String(), Type::Bytes(), list, span})
    registrar.Global(operators::kAdd, {type, type}, type);
  registrar.Global(operators::kAdd, {time, span}, time)
      .Global(operators::kAdd, {span, time}, time)
      .Global(operators::kSubtract, {span, span}, span)
      .Global(operators::kSubtract, {time, span}, time)
      .Global(operators::kSubtract, {time, time}, span);
  for (const Type& type : {Type::Int(), Type::Double(), span})
    registrar.Global(operators::kNegate, {type}, type);
}

}  // namespace

void RegisterOperators(FunctionTable& table) {
  Registrar registrar(table);
  const Type a = Type::Param("A");
  const Type b = Type::Param("B");
  const Type list = Type::List(a);
  const Type map = Type::Map(a, b);
  RegisterComparisons(registrar);
  RegisterArithmetic(registrar);
  registrar.Global(operators::kNot, {Type::Bool()}, Type::Bool())
      .Global(operators::kIn, {a, list}, Type::Bool())
      .Global(operators::kIn, {a, map}, Type::Bool())
      .Global(operators::kIndex, {list, Type::Int()}, a)
      .Global(operators::kIndex, {map, a}, b)
      .Global(operators::kIndex, {Type::Optional(list), Type::Int()}, Type::Optional(a))
      .Global(operators::kIndex, {Type::Optional(map), a}, Type::Optional(b))
      .Global(operators::kOptionalIndex, {list, Type::Int()}, Type::Optional(a))
      .Global(operators::kOptionalIndex, {map, a}, Type::Optional(b))
      .Global(operators::kOptionalIndex, {Type::Optional(list), Type::Int()}, Type::Optional(a))
      .Global(operators::kOptionalIndex, {Type::Optional(map), a}, Type::Optional(b));
}

}  // namespace assay::cel
