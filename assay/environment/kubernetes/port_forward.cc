#include "assay/environment/kubernetes/port_forward.h"

#include <algorithm>

#include <fmt/format.h>

#include "lib/net/timer.h"

namespace assay::environment {

namespace {

constexpr size_t kKeptText = 4096;
constexpr base::Duration kFirstPause = std::chrono::milliseconds(200);
constexpr base::Duration kLongestPause = std::chrono::seconds(2);

}  // namespace

size_t CountForwardings(std::string_view text) {
  constexpr std::string_view kMark = "Forwarding from 127.0.0.1:";
  size_t count = 0;
  for (size_t at = 0; (at = text.find(kMark, at)) != std::string_view::npos; at += kMark.size()) {
    ++count;
  }
  return count;
}

base::Result<void> PortForward::Settle(const std::vector<uint16_t>& ports, PortPool& pool) {
  for (const uint16_t port : ports) {
    TRY(ReservedPort local, pool.Take());
    ports_.emplace_back(local.number(), port);
    reserved_.push_back(std::move(local));
  }
  return {};
}

void PortForward::Aim(std::string pod) {
  if (pod == pod_) return;
  pod_ = std::move(pod);
  ready_.Reset();
  changed_.Set();
  if (running_) running_->Request();
}

void PortForward::End() {
  ended_ = true;
  Aim({});
  changed_.Set();
}

net::Task<base::Result<void>> PortForward::AwaitReady(base::Deadline deadline) {
  if (ports_.empty()) co_return base::Result<void>();
  auto ready = co_await ready_.Wait(deadline);
  if (ready.has_value() || ready.error().code != base::ErrorCode::kTimeout) co_return ready;
  co_return base::Fail(base::ErrorCode::kTimeout,
                       pod_.empty() ? "there is no ready pod whose ports could be forwarded"
                                    : fmt::format("the ports of pod {} are not forwarded: {}", pod_,
                                                  said_.empty() ? "kubectl says nothing" : said_));
}

net::Task<void> PortForward::Supervise() {
  if (ports_.empty()) co_return;
  base::Duration pause = kFirstPause;
  while (!ended_) {
    changed_.Reset();
    if (pod_.empty()) {
      if (!(co_await changed_.Wait(base::Deadline::Never())).has_value()) co_return;
      continue;
    }
    const std::string pod = pod_;
    co_await RunOnce();
    const bool did_listen = ready_.is_set();
    ready_.Reset();
    if (pod_ != pod) {
      pause = kFirstPause;
      continue;
    }
    ++restarts_;
    pause = did_listen ? kFirstPause : std::min(2 * pause, kLongestPause);
    const auto rested = co_await changed_.Wait(base::Deadline::After(pause));
    if (!rested.has_value() && rested.error().code == base::ErrorCode::kCancelled) co_return;
  }
}

net::Task<void> PortForward::RunOnce() {
  for (ReservedPort& port : reserved_) port.Release();
  said_.clear();
  running_ = std::make_unique<net::Cancellation>();
  (void)co_await net::WithCancellation(
      cluster_.Forward(pod_, ports_,
                       [this](std::string_view text) {
                         said_.append(
                             text.substr(0, kKeptText - std::min(kKeptText, said_.size())));
                         if (CountForwardings(said_) >= ports_.size()) ready_.Set();
                       }),
      *running_);
  running_.reset();
}

}  // namespace assay::environment
