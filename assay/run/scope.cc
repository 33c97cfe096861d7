#include "assay/run/scope.h"

#include <utility>

namespace assay::run {
namespace {

cel::Value ToMap(const std::map<std::string, cel::Value, std::less<>>& values) {
  cel::MapBuilder map;
  for (const auto& [name, value] : values) map.Set(name, value);
  return std::move(map).Build();
}

}  // namespace

std::optional<cel::Value> Scope::Find(std::string_view name) const {
  if (const auto local = locals_.find(name); local != locals_.end()) return local->second;
  if (name == "vars") {
    if (!vars_value_) vars_value_ = ToMap(vars_);
    return vars_value_;
  }
  if (name == "steps") {
    if (!steps_value_) steps_value_ = ToMap(steps_);
    return steps_value_;
  }
  if (const auto global = globals_->find(name); global != globals_->end()) return global->second;
  return std::nullopt;
}

void Scope::SetVar(std::string name, cel::Value value) {
  writes_.push_back({false, name, value});
  vars_.insert_or_assign(std::move(name), std::move(value));
  vars_value_.reset();
}

void Scope::SetStep(std::string id, cel::Value value) {
  writes_.push_back({true, id, value});
  steps_.insert_or_assign(std::move(id), std::move(value));
  steps_value_.reset();
}

void Scope::SetLocal(std::string name, cel::Value value) {
  locals_.insert_or_assign(std::move(name), std::move(value));
}

Scope Scope::Branch() const {
  Scope branch(*this);
  branch.writes_.clear();
  return branch;
}

Scope Scope::Fragment(cel::Value inputs) const {
  Scope inner(globals_);
  inner.vars_ = vars_;
  inner.SetLocal("inputs", std::move(inputs));
  return inner;
}

void Scope::Merge(const Scope& branch) {
  for (const Write& write : branch.writes_) {
    if (write.is_step) {
      SetStep(write.name, write.value);
    } else {
      SetVar(write.name, write.value);
    }
  }
}

void Scope::MergeVars(const Scope& branch) {
  for (const Write& write : branch.writes_) {
    if (!write.is_step) SetVar(write.name, write.value);
  }
}

std::optional<cel::Value> VariableScope::Find(std::string_view name) const {
  if (const cel::Value* found = variables_.Find(name)) return *found;
  return outer_.Find(name);
}

std::optional<cel::Value> OutcomeScope::Find(std::string_view name) const {
  if (name == "error") return error_;
  if (const cel::Value* field = outcome_.Find(name)) return *field;
  return outer_.Find(name);
}

}  // namespace assay::run
