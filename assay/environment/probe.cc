#include "assay/environment/probe.h"

#include <algorithm>
#include <charconv>
#include <csignal>
#include <fstream>
#include <iterator>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <re2/re2.h>

#include "assay/environment/broker_probe.h"
#include "lib/base/units.h"
#include "lib/http/client.h"
#include "lib/http/websocket/client.h"
#include "lib/net/service/interruptible.h"
#include "lib/net/tcp.h"
#include "lib/net/timer.h"
#include "lib/objects/s3/client.h"
#include "lib/sql/open.h"
#include "lib/sql/url.h"

namespace assay::environment {

namespace {

/// No single question takes longer, so that a hanging service is asked again.
constexpr base::Duration kLongestAttempt = std::chrono::seconds(5);

constexpr uint64_t kLargestAnswer = 1 << 20;

base::Error NotYet(std::string message) {
  return {.code = base::ErrorCode::kUnavailable, .message = std::move(message)};
}

/// `host:port`, `:port`, `port`, or "" for the first port of the service.
base::Result<std::pair<std::string, uint16_t>> ParseAddress(const std::string& text,
                                                            uint16_t first_port) {
  if (text.empty() && first_port != 0) return std::pair(std::string("127.0.0.1"), first_port);
  const size_t colon = text.rfind(':');
  const std::string host =
      colon == std::string::npos || colon == 0 ? "127.0.0.1" : text.substr(0, colon);
  const char* start = text.data() + (colon == std::string::npos ? 0 : colon + 1);
  const char* end = text.data() + text.size();
  uint16_t port = 0;
  const auto [rest, error] = std::from_chars(start, end, port);
  if (error != std::errc{} || rest != end || port == 0) {
    return base::Fail(base::Error{
        .code = base::ErrorCode::kInvalid,
        .message = fmt::format("\"{}\" is no address to probe, expected host:port", text),
        .hint = "give the service a port, or write `tcp: host:port`"});
  }
  return std::pair(host, port);
}

}  // namespace

base::Result<Probe> Probe::Make(const ProbeSpec& spec, const Placement& placement,
                                Subject subject) {
  Probe probe(spec, std::move(subject));
  TRY(probe.target_, spec.target(placement));
  for (const LateText& argument : spec.command) {
    TRY(std::string text, argument(placement));
    probe.command_.push_back(std::move(text));
  }
  const ServicePlace* place = placement.own();
  const uint16_t first_port = place == nullptr ? uint16_t{0} : place->port();
  switch (spec.kind) {
    case ProbeKind::kHttp:
      if (probe.target_.starts_with('/')) {
        probe.target_ = fmt::format("http://127.0.0.1:{}{}", first_port, probe.target_);
      }
      if (probe.subject_.context.http == nullptr) {
        return base::Fail(base::ErrorCode::kInternal, "an http probe needs an HTTP client");
      }
      break;
    case ProbeKind::kWebSocket:
      if (probe.target_.starts_with('/')) {
        probe.target_ = fmt::format("ws://127.0.0.1:{}{}", first_port, probe.target_);
      }
      break;
    case ProbeKind::kTcp: {
      TRY(auto address, ParseAddress(probe.target_, first_port));
      std::tie(probe.host_, probe.port_) = std::move(address);
      break;
    }
    case ProbeKind::kSql:
      if (!sql::IsDatabaseUrl(probe.target_)) {
        return base::Fail(base::Error{
            .code = base::ErrorCode::kInvalid,
            .message =
                fmt::format("\"{}\" is no database to probe", sql::RedactedUrl(probe.target_)),
            .hint = "expected postgresql://user:password@host:port/database or sqlite:path"});
      }
      break;
    case ProbeKind::kS3: {
      if (probe.target_.empty() && first_port != 0) {
        probe.target_ = fmt::format("http://127.0.0.1:{}", first_port);
      }
      TRY(objects::s3::ParseServer(probe.target_));
      if (probe.subject_.context.http == nullptr) {
        return base::Fail(base::ErrorCode::kInternal, "an s3 probe needs an HTTP client");
      }
      break;
    }
    case ProbeKind::kRedis:
    case ProbeKind::kAmqp:
      if (probe.target_.empty()) {
        probe.target_ = fmt::format("{}://127.0.0.1:{}", ToString(spec.kind), first_port);
      }
      break;
    case ProbeKind::kLog: {
      if (probe.subject_.log == nullptr) {
        return base::Fail(base::ErrorCode::kInvalid,
                          "a remote service has no log to probe, use http, tcp or exec");
      }
      TRY(probe.watch_, probe.subject_.log->Watch(probe.target_));
      break;
    }
    case ProbeKind::kExec:
      if (probe.command_.empty()) {
        return base::Fail(base::ErrorCode::kInvalid, "an exec probe needs a command");
      }
      break;
    case ProbeKind::kFile:
      probe.pattern_ = std::make_shared<const re2::RE2>(spec.matches, re2::RE2::Quiet);
      if (!probe.pattern_->ok()) {
        return base::Fail(base::ErrorCode::kInvalid,
                          fmt::format("\"{}\" is not a regular expression (RE2): {}", spec.matches,
                                      probe.pattern_->error()));
      }
      break;
  }
  return probe;
}

void Probe::Restart() {
  if (watch_) watch_->Restart();
}

net::Task<base::Result<void>> Probe::WaitReady(net::Event& ended, base::Deadline deadline) {
  const base::Clock& clock = subject_.context.clock;
  const auto limit = base::Deadline::After(spec_.within).Earlier(deadline);
  while (true) {
    ++attempts_;
    const auto asked = clock.Steady();
    const auto answer = co_await Ask(base::Deadline::After(kLongestAttempt).Earlier(limit));
    const base::Duration took = clock.Steady() - asked;
    if (answer.has_value()) {
      Report(answer, took);
      co_return base::Result<void>();
    }
    if (attempts_ == 1) Report(answer, took);
    const bool hopeless = answer.error().code == base::ErrorCode::kCancelled ||
                          answer.error().code == base::ErrorCode::kInvalid ||
                          answer.error().code == base::ErrorCode::kNotFound;
    if (hopeless) co_return answer;
    if (ended.is_set()) co_return base::Fail(NotYet("the process ended"));
    const auto pause = base::Deadline::After(spec_.every).Earlier(limit);
    const auto waited = co_await ended.Wait(pause);
    if (waited.has_value()) co_return base::Fail(NotYet("the process ended"));
    if (waited.error().code == base::ErrorCode::kCancelled) co_return waited;
    if (limit.HasPassed(base::SystemClock())) {
      if (attempts_ > 1) Report(answer, took);
      co_return base::Fail(
          base::ErrorCode::kTimeout,
          fmt::format("{} probe did not succeed within {} ({} attempts): {}", ToString(spec_.kind),
                      base::FormatDuration(spec_.within), attempts_, answer.error().message));
    }
  }
}

net::Task<base::Result<void>> Probe::Ask(base::Deadline deadline) {
  switch (spec_.kind) {
    case ProbeKind::kHttp:
      co_return co_await AskHttp(deadline);
    case ProbeKind::kTcp:
      co_return co_await AskTcp(deadline);
    case ProbeKind::kSql:
      co_return co_await AskSql(deadline);
    case ProbeKind::kWebSocket:
      co_return co_await AskWebSocket(deadline);
    case ProbeKind::kS3:
      co_return co_await AskS3(deadline);
    case ProbeKind::kRedis:
      co_return co_await AskRedis(target_, deadline);
    case ProbeKind::kAmqp:
      co_return co_await AskAmqp(target_, deadline);
    case ProbeKind::kExec:
      co_return co_await AskExec(deadline);
    case ProbeKind::kLog:
      co_return AskLog();
    case ProbeKind::kFile:
      co_return AskFile();
  }
  co_return base::Result<void>();
}

net::Task<base::Result<void>> Probe::AskHttp(base::Deadline deadline) {
  http::ClientRequest request;
  request.url = target_;
  for (const auto& [name, value] : spec_.headers) request.headers.Add(name, value);
  request.max_response = kLargestAnswer;
  request.connect_timeout = kLongestAttempt;
  CO_TRY(const http::ClientResponse answer,
         co_await subject_.context.http->Send(std::move(request), deadline));
  const bool expected = spec_.statuses.empty() ? answer.status >= 200 && answer.status < 300
                                               : std::ranges::find(spec_.statuses, answer.status) !=
                                                     spec_.statuses.end();
  if (!expected) {
    co_return base::Fail(NotYet(
        fmt::format("GET {} answered {}: {}", target_, answer.status, answer.body.substr(0, 200))));
  }
  if (spec_.accept) {
    CO_TRY(const bool accepted, spec_.accept(answer.status, answer.body));
    if (!accepted) {
      co_return base::Fail(
          NotYet(fmt::format("GET {} answered {}, but its body is not as expected:"
                             " {}",
                             target_, answer.status, answer.body.substr(0, 200))));
    }
  }
  co_return base::Result<void>();
}

net::Task<base::Result<void>> Probe::AskTcp(base::Deadline deadline) {
  CO_TRY(co_await net::Connect(host_, port_, deadline));
  co_return base::Result<void>();
}

net::Task<base::Result<void>> Probe::AskSql(base::Deadline deadline) {
  net::ThreadPool thread(1);
  const auto interrupt = std::make_shared<sql::Interrupt>();
  const auto work = [&]() -> base::Result<sql::Rows> {
    TRY(const auto database,
        sql::Open(target_, {.folder = subject_.directory, .interrupt = interrupt}, deadline));
    return sql::Query(*database, spec_.query, {}, deadline);
  };
  auto answer = co_await net::OffloadInterruptibly(thread, work, [&] { interrupt->Raise(); });
  if (!answer.has_value()) {
    // A database or table that is missing now may be made by the service that starts.
    if (answer.error().code != base::ErrorCode::kCancelled) {
      answer.error().code = base::ErrorCode::kUnavailable;
    }
    co_return base::Fail(std::move(answer).error());
  }
  const bool given = !answer->rows.empty() && !answer->rows.front().empty();
  const sql::Value first = given ? answer->rows.front().front() : sql::Value();
  if (!first.is_null() && first != sql::Value(0)) co_return base::Result<void>();
  co_return base::Fail(NotYet(fmt::format("\"{}\" gave {}", spec_.query,
                                          !given            ? "no row"
                                          : first.is_null() ? "null"
                                                            : "0 or false")));
}

net::Task<base::Result<void>> Probe::AskWebSocket(base::Deadline deadline) {
  http::websocket::OpenRequest request{.url = target_};
  for (const auto& [name, value] : spec_.headers) request.headers.Add(name, value);
  CO_TRY(const http::websocket::Opening opening,
         co_await http::websocket::Open(std::move(request), deadline));
  constexpr int kSwitchingProtocols = 101;
  const bool expected =
      spec_.statuses.empty()
          ? opening.status == kSwitchingProtocols
          : std::ranges::find(spec_.statuses, opening.status) != spec_.statuses.end();
  if (!expected) {
    co_return base::Fail(NotYet(fmt::format("{} answered the upgrade with {}: {}", target_,
                                            opening.status, opening.body.substr(0, 200))));
  }
  if (opening.connection) {
    static_cast<void>(co_await opening.connection->Close({}, deadline));
  }
  co_return base::Result<void>();
}

net::Task<base::Result<void>> Probe::AskS3(base::Deadline deadline) {
  CO_TRY(objects::s3::Server server, objects::s3::ParseServer(target_));
  objects::s3::Client client(*subject_.context.http, std::move(server));
  CO_TRY(const auto reply, co_await client.ListBuckets(deadline));
  if (reply.accepted()) co_return base::Result<void>();
  // Also a key that the service does not know: it may be about to be made.
  co_return base::Fail(
      NotYet(objects::s3::ToError(reply, "listing the buckets of the service").ToString()));
}

net::Task<base::Result<void>> Probe::AskExec(base::Deadline deadline) {
  Guardian* guardian = subject_.context.guardian;
  if (guardian == nullptr) {
    co_return base::Fail(base::ErrorCode::kInvalid, "an exec probe needs a guardian to start it");
  }
  StartRequest request{
      .service = subject_.context.scope + subject_.service + ".probe", .launch = {}, .limits = {}};
  request.launch.argv = command_;
  request.launch.environment = subject_.environment;
  request.launch.directory = subject_.directory;
  CO_TRY(const StartedProcess started, co_await guardian->StartProcess(request, deadline));
  const auto exit = co_await guardian->WaitExit(started.pid, deadline);
  if (!exit.has_value()) {
    (void)co_await net::Shielded(guardian->Signal(started.pid, SIGKILL, SignalScope::kTree,
                                                  base::Deadline::After(std::chrono::seconds(1))));
    co_return base::Fail(exit.error());
  }
  if (exit->signal == 0 && exit->code == spec_.exit_code) co_return base::Result<void>();
  co_return base::Fail(NotYet(
      exit->signal != 0 ? fmt::format("\"{}\" was killed by signal {}", command_[0], exit->signal)
                        : fmt::format("\"{}\" exited with code {}, expected {}", command_[0],
                                      exit->code, spec_.exit_code)));
}

base::Result<void> Probe::AskLog() const {
  if (watch_->count() >= spec_.occurrences) return {};
  return base::Fail(NotYet(fmt::format("\"{}\" was in {} lines of the log, expected {}", target_,
                                       watch_->count(), spec_.occurrences)));
}

base::Result<void> Probe::AskFile() const {
  const std::filesystem::path path = std::filesystem::path(subject_.directory) / target_;
  std::error_code error;
  if (!std::filesystem::exists(path, error)) {
    return base::Fail(NotYet(fmt::format("there is no {}", path.string())));
  }
  if (spec_.matches.empty()) return {};
  std::ifstream file(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  if (re2::RE2::PartialMatch(text, *pattern_)) return {};
  return base::Fail(NotYet(fmt::format("{} does not match \"{}\"", path.string(), spec_.matches)));
}

void Probe::Report(const base::Result<void>& answer, base::Duration duration) const {
  subject_.context.sink("environment.probe", subject_.service,
                        {{"kind", ToString(spec_.kind)},
                         {"attempt", attempts_},
                         {"ok", answer.has_value()},
                         {"message", answer.has_value() ? "" : answer.error().message},
                         {"duration_ns", duration.count()}},
                        {});
}

}  // namespace assay::environment
