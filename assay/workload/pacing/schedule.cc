#include "assay/workload/pacing/schedule.h"

#include <algorithm>
#include <cmath>

namespace assay::workload {
namespace {

double Seconds(base::Duration span) { return std::chrono::duration<double>(span).count(); }

// The nanosecond in which the moment lies. What is whole on paper may be a hair below.
base::Duration FromSeconds(double seconds) {
  constexpr double kHair = 0.01;
  return base::Duration(static_cast<int64_t>(std::floor(seconds * 1e9 + kHair)));
}

// N is a sum of products of decimal fractions: what is a whole number on paper may be off by a few
// units of the last place, and must not become one arrival more or less.
double Settle(double count) {
  const double nearest = std::round(count);
  return std::abs(count - nearest) <= 1e-9 * std::max(1.0, nearest) ? nearest : count;
}

}  // namespace

double ArrivalSchedule::Piece::Within(double seconds) const {
  return from * seconds + (to - from) * seconds * seconds / (2 * length_s);
}

ArrivalSchedule::ArrivalSchedule(const Executor& executor) : span_(executor.span()) {
  const double unit = Seconds(executor.time_unit);
  if (executor.kind == ExecutorKind::kConstantArrivalRate) {
    const double rate = executor.rate / unit;
    pieces_.push_back({0, Seconds(executor.duration), rate, rate, 0});
    return;
  }
  double rate = executor.start_rate / unit;
  double begin = 0;
  double before = 0;
  for (const Stage& stage : executor.stages) {
    const double target = stage.target / unit;
    const double length = Seconds(stage.duration);
    if (length > 0) {
      pieces_.push_back({begin, length, rate, target, before});
      before += pieces_.back().arrivals();
      begin += length;
    }
    rate = target;
  }
}

base::Duration ArrivalSchedule::TimeOf(uint64_t k) const {
  const auto wanted = static_cast<double>(k);
  // The last piece that begins with at most k arrivals and still has some: pieces of rate zero hold
  // none, so an arrival that falls on their begin comes after them.
  const Piece* piece = &pieces_.front();
  for (const Piece& one : pieces_) {
    if (Settle(one.before) <= wanted && one.arrivals() > 0) piece = &one;
  }
  const double q = std::max(0.0, wanted - piece->before);
  const double slope = (piece->to - piece->from) / piece->length_s;
  const double root = std::sqrt(std::max(0.0, piece->from * piece->from + 2 * slope * q));
  const double seconds = q == 0 ? 0 : 2 * q / (piece->from + root);
  return FromSeconds(piece->begin_s + std::min(seconds, piece->length_s));
}

uint64_t ArrivalSchedule::CountUntil(base::Duration time) const {
  const double at = Seconds(std::min(time, span_));
  double count = 0;
  for (const Piece& piece : pieces_) {
    if (at <= piece.begin_s) break;
    count = piece.before + piece.Within(std::min(at - piece.begin_s, piece.length_s));
  }
  return static_cast<uint64_t>(std::ceil(Settle(count)));
}

base::Duration UserSchedule::Ramp::ChangeAt(int64_t change) const {
  const double part = static_cast<double>(change) / static_cast<double>(std::abs(to - from));
  return begin + base::Duration(std::llround(static_cast<double>(length.count()) * part));
}

UserSchedule::UserSchedule(const Executor& executor)
    : first_(executor.vus),
      span_(executor.span()),
      graceful_stop_(executor.graceful_stop),
      graceful_ramp_down_(executor.graceful_ramp_down),
      most_(executor.most_vus()) {
  if (executor.kind != ExecutorKind::kRampingVus) return;
  first_ = executor.start_vus;
  int64_t users = first_;
  base::Duration begin{};
  for (const Stage& stage : executor.stages) {
    const auto target = static_cast<int64_t>(stage.target);
    ramps_.push_back({begin, stage.duration, users, target});
    users = target;
    begin += stage.duration;
  }
}

int64_t UserSchedule::UsersAt(base::Duration time) const {
  if (time >= span_ || time < base::Duration::zero()) return 0;
  int64_t users = first_;
  for (const Ramp& ramp : ramps_) {
    if (ramp.begin > time) break;
    if (time >= ramp.begin + ramp.length) {
      users = ramp.to;
      continue;
    }
    const int64_t changes = std::abs(ramp.to - ramp.from);
    const double part =
        static_cast<double>((time - ramp.begin).count()) / static_cast<double>(ramp.length.count());
    // The estimate may be one off where a change falls on this very nanosecond.
    auto done = std::max<int64_t>(0, static_cast<int64_t>(part * static_cast<double>(changes)) - 1);
    while (done < changes && ramp.ChangeAt(done + 1) <= time) ++done;
    users = ramp.from + (ramp.to > ramp.from ? done : -done);
  }
  return users;
}

std::vector<Presence> UserSchedule::PresenceOf(int64_t user) const {
  std::vector<Presence> spans;
  const auto leave = [&](base::Duration at) {
    Presence& span = spans.back();
    const base::Duration last = span_ + graceful_stop_;
    span.end = at;
    span.last = at >= span_ ? last : std::min(last, at + graceful_ramp_down_);
    if (span.begin >= span.end) spans.pop_back();
  };
  bool there = first_ > user;
  if (there) spans.push_back({});
  for (const Ramp& ramp : ramps_) {
    if (!there && ramp.to > user) {
      spans.push_back({ramp.ChangeAt(user - ramp.from + 1), {}, {}});
      there = true;
    } else if (there && ramp.to <= user) {
      leave(ramp.ChangeAt(ramp.from - user));
      there = false;
    }
  }
  if (there) leave(span_);
  return spans;
}

}  // namespace assay::workload
