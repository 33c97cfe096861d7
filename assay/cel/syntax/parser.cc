#include "assay/cel/syntax/parser.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "assay/cel/syntax/lexer.h"

namespace assay::cel {
namespace {

using base::ErrorCode;
using base::Result;

struct BinaryOperator {
  std::string_view symbol;
  const char* function;
  int level;
};
constexpr int kOrLevel = 1;
constexpr int kAndLevel = 2;
constexpr std::array<BinaryOperator, 14> kBinaryOperators = {{
    {"||", operators::kOr, kOrLevel},
    {"&&", operators::kAnd, kAndLevel},
    {"==", operators::kEqual, 3},
    {"!=", operators::kNotEqual, 3},
    {"<", operators::kLess, 3},
    {"<=", operators::kLessEqual, 3},
    {">", operators::kGreater, 3},
    {">=", operators::kGreaterEqual, 3},
    {"in", operators::kIn, 3},
    {"+", operators::kAdd, 4},
    {"-", operators::kSubtract, 4},
    {"*", operators::kMultiply, 5},
    {"/", operators::kDivide, 5},
    {"%", operators::kModulo, 5},
}};

class Parser {
 public:
  Parser(const SourceMap& source, const ParseOptions& options, std::vector<Token> tokens)
      : source_(source), options_(options), tokens_(std::move(tokens)) {}

  Result<ExprPtr> Run() {
    TRY(ExprPtr expr, Expression());
    if (Current().kind != TokenKind::kEnd) return Unexpected("the end of the expression");
    return expr;
  }

 private:
  const Token& Current() const { return tokens_[next_]; }
  const Token& Previous() const { return tokens_[next_ - 1]; }
  bool IsSymbol(std::string_view symbol) const {
    return Current().kind == TokenKind::kSymbol && Current().text == symbol;
  }
  bool TakeSymbol(std::string_view symbol) {
    if (!IsSymbol(symbol)) return false;
    ++next_;
    return true;
  }

  std::unexpected<base::Error> Wrong(std::string message, uint32_t begin, uint32_t end) const {
    return std::unexpected(source_.Error(ErrorCode::kInvalid, std::move(message), begin, end));
  }
  std::unexpected<base::Error> Unexpected(std::string_view expected) const {
    const Token& token = Current();
    const std::string found = token.kind == TokenKind::kEnd
                                  ? "the end of the expression"
                                  : fmt::format("\"{}\"", source_.Text(token.begin, token.end));
    return Wrong(fmt::format("found {}, expected {}", found, expected), token.begin, token.end);
  }
  Result<void> Expect(std::string_view symbol) {
    if (TakeSymbol(symbol)) return {};
    return Unexpected(fmt::format("\"{}\"", symbol));
  }

  static ExprPtr New(ExprKind kind, uint32_t begin, uint32_t at) {
    auto expr = std::make_unique<Expr>();
    expr->kind = kind;
    expr->begin = begin;
    expr->at = at;
    return expr;
  }
  /// Completes a node whose arguments are there: its end, and how high the tree below it is.
  Result<ExprPtr> Finish(ExprPtr expr) const {
    expr->end = Previous().end;
    for (const ExprPtr& argument : expr->arguments)
      expr->height = std::max(expr->height, argument->height + 1);
    if (expr->height > kMaxHeight)
      return std::unexpected(source_.Error(
          ErrorCode::kTooLarge, fmt::format("expression is more than {} levels deep", kMaxHeight),
          expr->at, expr->at + 1));
    return expr;
  }

  Result<ExprPtr> Expression();
  Result<ExprPtr> Binary(int level);
  Result<ExprPtr> Logical(const BinaryOperator& op, ExprPtr first);
  Result<ExprPtr> Unary();
  Result<ExprPtr> Member(ExprPtr expr);
  Result<ExprPtr> Selection(ExprPtr operand);
  Result<ExprPtr> Index(ExprPtr operand);
  Result<ExprPtr> Call(ExprPtr call);
  Result<ExprPtr> Primary();
  Result<ExprPtr> Word();
  Result<ExprPtr> Identifier(uint32_t begin, bool absolute);
  Result<ExprPtr> ListLiteral();
  Result<ExprPtr> MapLiteral();
  const BinaryOperator* CurrentOperator() const;

  const SourceMap& source_;
  const ParseOptions& options_;
  std::vector<Token> tokens_;
  size_t next_ = 0;
  uint32_t nesting_ = 0;
};

Result<ExprPtr> Parser::Expression() {
  if (++nesting_ > kMaxNesting)
    return std::unexpected(
        source_.Error(ErrorCode::kTooLarge,
                      fmt::format("expression is nested more than {} levels deep", kMaxNesting),
                      Current().begin, Current().end));
  TRY(ExprPtr condition, Binary(kOrLevel));
  if (!IsSymbol("?")) {
    --nesting_;
    return condition;
  }
  ExprPtr call = New(ExprKind::kCall, condition->begin, Current().begin);
  ++next_;
  call->name = operators::kConditional;
  call->arguments.push_back(std::move(condition));
  TRY(ExprPtr yes, Binary(kOrLevel));
  call->arguments.push_back(std::move(yes));
  TRY(Expect(":"));
  TRY(ExprPtr no, Expression());
  call->arguments.push_back(std::move(no));
  --nesting_;
  return Finish(std::move(call));
}

const BinaryOperator* Parser::CurrentOperator() const {
  if (Current().kind != TokenKind::kSymbol && Current().kind != TokenKind::kIdent) return nullptr;
  const auto found = std::ranges::find(kBinaryOperators, Current().text, &BinaryOperator::symbol);
  return found == kBinaryOperators.end() ? nullptr : &*found;
}

Result<ExprPtr> Parser::Binary(int level) {
  TRY(ExprPtr left, Unary());
  while (const BinaryOperator* op = CurrentOperator()) {
    if (op->level < level) break;
    if (op->level <= kAndLevel) {
      TRY(left, Logical(*op, std::move(left)));
      continue;
    }
    ExprPtr call = New(ExprKind::kCall, left->begin, Current().begin);
    ++next_;
    call->name = op->function;
    call->arguments.push_back(std::move(left));
    TRY(ExprPtr right, Binary(op->level + 1));
    call->arguments.push_back(std::move(right));
    TRY(left, Finish(std::move(call)));
  }
  return left;
}

/// `a && b && c` becomes one call with three arguments, so that long chains stay flat.
Result<ExprPtr> Parser::Logical(const BinaryOperator& op, ExprPtr first) {
  ExprPtr call = New(ExprKind::kCall, first->begin, Current().begin);
  call->name = op.function;
  call->arguments.push_back(std::move(first));
  while (TakeSymbol(op.symbol)) {
    TRY(ExprPtr term, Binary(op.level + 1));
    call->arguments.push_back(std::move(term));
  }
  return Finish(std::move(call));
}

Result<ExprPtr> Parser::Unary() {
  if (!IsSymbol("!") && !IsSymbol("-")) {
    TRY(ExprPtr primary, Primary());
    return Member(std::move(primary));
  }
  const bool negative = IsSymbol("-");
  const uint32_t begin = Current().begin;
  ++next_;
  const Token& number = Current();
  const bool smallest = number.kind == TokenKind::kSmallestInt;
  const bool literal =
      number.kind == TokenKind::kLiteral && (number.value.is_int() || number.value.is_double());
  if (negative && (smallest || literal)) {
    ExprPtr constant = New(ExprKind::kConstant, begin, begin);
    constant->constant = smallest                ? Value::Int(std::numeric_limits<int64_t>::min())
                         : number.value.is_int() ? Value::Int(-number.value.int_value())
                                                 : Value::Double(-number.value.double_value());
    ++next_;
    TRY(constant, Finish(std::move(constant)));
    return Member(std::move(constant));
  }
  if (++nesting_ > kMaxNesting)
    return std::unexpected(source_.Error(ErrorCode::kTooLarge,
                                         fmt::format("more than {} nested operators", kMaxNesting),
                                         begin, begin + 1));
  ExprPtr call = New(ExprKind::kCall, begin, begin);
  call->name = negative ? operators::kNegate : operators::kNot;
  TRY(ExprPtr operand, Unary());
  --nesting_;
  call->arguments.push_back(std::move(operand));
  return Finish(std::move(call));
}

Result<ExprPtr> Parser::Member(ExprPtr expr) {
  while (true) {
    if (TakeSymbol(".")) {
      TRY(expr, Selection(std::move(expr)));
    } else if (TakeSymbol("[")) {
      TRY(expr, Index(std::move(expr)));
    } else if (IsSymbol("{") && !QualifiedName(*expr).empty()) {
      return std::unexpected(
          Wrong(fmt::format("message types such as \"{}\" are not supported", QualifiedName(*expr)),
                expr->begin, expr->end)
              .error()
              .Hint("write a map: {\"key\": value}"));
    } else {
      return expr;
    }
  }
}

Result<ExprPtr> Parser::Selection(ExprPtr operand) {
  const bool optional = TakeSymbol("?");
  const Token name = Current();
  if (name.kind != TokenKind::kIdent && name.kind != TokenKind::kQuotedIdent)
    return Unexpected("the name of a field or function");
  ++next_;
  if (!optional && name.kind == TokenKind::kIdent && IsSymbol("(")) {
    ExprPtr call = New(ExprKind::kCall, operand->begin, name.begin);
    call->name = name.text;
    call->member = true;
    call->arguments.push_back(std::move(operand));
    return Call(std::move(call));
  }
  ExprPtr select = New(ExprKind::kSelect, operand->begin, name.begin);
  select->name = name.text;
  select->optional = optional;
  select->arguments.push_back(std::move(operand));
  return Finish(std::move(select));
}

Result<ExprPtr> Parser::Index(ExprPtr operand) {
  ExprPtr call = New(ExprKind::kCall, operand->begin, Previous().begin);
  call->name = TakeSymbol("?") ? operators::kOptionalIndex : operators::kIndex;
  call->arguments.push_back(std::move(operand));
  TRY(ExprPtr index, Expression());
  call->arguments.push_back(std::move(index));
  TRY(Expect("]"));
  return Finish(std::move(call));
}

Result<ExprPtr> Parser::Call(ExprPtr call) {
  TRY(Expect("("));
  if (!TakeSymbol(")")) {
    do {
      TRY(ExprPtr argument, Expression());
      call->arguments.push_back(std::move(argument));
    } while (TakeSymbol(","));
    TRY(Expect(")"));
  }
  TRY(call, Finish(std::move(call)));
  return ExpandMacro(source_, options_, std::move(call));
}

Result<ExprPtr> Parser::Primary() {
  const Token& token = Current();
  if (token.kind == TokenKind::kLiteral) {
    ExprPtr constant = New(ExprKind::kConstant, token.begin, token.begin);
    constant->constant = token.value;
    ++next_;
    return Finish(std::move(constant));
  }
  if (token.kind == TokenKind::kSmallestInt)
    return Wrong("integer 9223372036854775808 is out of range", token.begin, token.end);
  if (token.kind == TokenKind::kIdent) return Word();
  const uint32_t begin = token.begin;
  if (TakeSymbol("(")) {
    TRY(ExprPtr inner, Expression());
    TRY(Expect(")"));
    inner->begin = begin;
    inner->end = Previous().end;
    return inner;
  }
  if (TakeSymbol(".")) return Identifier(begin, true);
  if (IsSymbol("[")) return ListLiteral();
  if (IsSymbol("{")) return MapLiteral();
  return Unexpected("an expression");
}

Result<ExprPtr> Parser::Word() {
  const Token& token = Current();
  const bool constant = token.text == "true" || token.text == "false" || token.text == "null";
  if (!constant) return Identifier(token.begin, false);
  ExprPtr expr = New(ExprKind::kConstant, token.begin, token.begin);
  if (token.text != "null") expr->constant = Value::Bool(token.text == "true");
  ++next_;
  return Finish(std::move(expr));
}

Result<ExprPtr> Parser::Identifier(uint32_t begin, bool absolute) {
  const Token token = Current();
  if (token.kind != TokenKind::kIdent || token.text == "in") return Unexpected("an identifier");
  if (IsReservedWord(token.text))
    return Wrong(fmt::format("\"{}\" is a reserved word", token.text), token.begin, token.end);
  ++next_;
  ExprPtr expr = New(IsSymbol("(") ? ExprKind::kCall : ExprKind::kIdent, begin, token.begin);
  expr->name = token.text;
  expr->absolute = absolute;
  return expr->kind == ExprKind::kCall ? Call(std::move(expr)) : Finish(std::move(expr));
}

Result<ExprPtr> Parser::ListLiteral() {
  ExprPtr list = New(ExprKind::kList, Current().begin, Current().begin);
  ++next_;
  while (!TakeSymbol("]")) {
    list->optional_entries.push_back(TakeSymbol("?"));
    TRY(ExprPtr element, Expression());
    list->arguments.push_back(std::move(element));
    if (TakeSymbol(",")) continue;
    if (!IsSymbol("]")) return Unexpected("\",\" or \"]\"");
  }
  return Finish(std::move(list));
}

Result<ExprPtr> Parser::MapLiteral() {
  ExprPtr map = New(ExprKind::kMap, Current().begin, Current().begin);
  ++next_;
  while (!TakeSymbol("}")) {
    map->optional_entries.push_back(TakeSymbol("?"));
    TRY(ExprPtr key, Expression());
    map->arguments.push_back(std::move(key));
    TRY(Expect(":"));
    TRY(ExprPtr value, Expression());
    map->arguments.push_back(std::move(value));
    if (TakeSymbol(",")) continue;
    if (!IsSymbol("}")) return Unexpected("\",\" or \"}\"");
  }
  return Finish(std::move(map));
}

}  // namespace

std::string QualifiedName(const Expr& expr) {
  if (expr.kind == ExprKind::kIdent) return (expr.absolute ? "." : "") + expr.name;
  if (expr.kind != ExprKind::kSelect || expr.test || expr.optional) return {};
  const std::string operand = QualifiedName(*expr.arguments[0]);
  return operand.empty() ? operand : operand + "." + expr.name;
}

Result<ExprPtr> Parse(const SourceMap& source, const ParseOptions& options) {
  if (source.expression().size() > kMaxExpressionBytes)
    return std::unexpected(
        source.Error(ErrorCode::kTooLarge,
                     fmt::format("expression has {} bytes; at most {} are allowed",
                                 source.expression().size(), kMaxExpressionBytes),
                     0, 1));
  TRY(std::vector<Token> tokens, Tokenize(source));
  return Parser(source, options, std::move(tokens)).Run();
}

}  // namespace assay::cel
