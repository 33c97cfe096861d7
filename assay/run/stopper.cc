#include "assay/run/stopper.h"

#include <algorithm>
#include <utility>

namespace assay::run {

Stopper::Stopper(Stopper* parent, base::Deadline deadline, std::string late)
    : parent_(parent), deadline_(deadline), late_(std::move(late)) {
  if (parent_ == nullptr) return;
  parent_->children_.push_back(this);
  if (parent_->cause_) Stop(*parent_->cause_);
}

Stopper::~Stopper() {
  if (parent_ != nullptr) std::erase(parent_->children_, this);
}

void Stopper::Stop(StopCause cause) {
  if (cause_) return;
  cause_ = std::move(cause);
  cancellation_.Request();
  for (Stopper* child : children_) child->Stop(*cause_);
}

std::optional<StopCause> Stopper::Cause(const base::Clock& clock) const {
  if (cause_) return cause_;
  if (deadline_.HasPassed(clock)) return StopCause{StopCause::Kind::kTimeout, late_};
  return parent_ != nullptr ? parent_->Cause(clock) : std::nullopt;
}

base::Deadline Stopper::deadline() const {
  return parent_ != nullptr ? deadline_.Earlier(parent_->deadline()) : deadline_;
}

}  // namespace assay::run
