// Asks Montage at a fixed rate and prints latencies from the scheduled start of each request, so
// that a server that falls behind cannot slow the schedule down.
//
//   bench_api_load URL USER PASSWORD RATE SECONDS
//
// Of ten requests eight ask for the status of a job, one uploads a recording that was not there
// before (19 channels, 10 s at 100 Hz), one submits the quick analysis of a recording. One line of
// JSON a kind, in milliseconds.

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "lib/base/result.h"
#include "lib/http/client.h"
#include "lib/json/parse.h"
#include "lib/net/runtime.h"
#include "lib/net/task_group.h"
#include "lib/net/timer.h"
#include "lib/synth/eeg.h"

namespace {

using base::Result;
using Steady = std::chrono::steady_clock;

enum Kind : size_t { kStatus, kUpload, kSubmit, kKinds };
constexpr std::array<const char*, kKinds> kNames = {"job status", "upload",
                                                    "submit quick analysis"};

struct Target {
  std::string url;
  std::string user;
  std::string password;
  int rate_hz = 0;
  int seconds = 0;
};

/// What the requests share; all of it stays on one loop.
struct Load {
  Target target;
  http::Client* client = nullptr;
  std::string token;
  std::string recording;           ///< bytes of an EDF file
  std::vector<std::string> files;  ///< ids of what was uploaded
  std::vector<std::string> jobs;   ///< ids of what was submitted
  std::array<std::vector<double>, kKinds> latencies_ms;
  std::array<size_t, kKinds> failures{};
  std::string first_failure;
  double latest_start_ms = 0;  ///< how far the client itself was behind its schedule
};

Result<std::string> MakeRecording() {
  synth::EegSpec spec;
  TRY(spec.channels, synth::FirstChannels(19));
  spec.rate_hz = 100;
  spec.duration_s = 10;
  std::string bytes;
  formats::edf::FunctionSink sink([&](std::span<const uint8_t> piece) {
    bytes.append(reinterpret_cast<const char*>(piece.data()), piece.size());
    return Result<void>();
  });
  TRY(synth::GenerateEeg(spec, sink));
  return bytes;
}

/// The recording with its last samples replaced by `number`.
std::string Numbered(const std::string& recording, uint32_t number) {
  std::string bytes = recording;
  for (size_t i = 0; i < 4; ++i)
    bytes[bytes.size() - 1 - 2 * i] = static_cast<char>((number >> (4 * i)) & 0xF);
  return bytes;
}

http::ClientRequest RequestOf(const Load& load, Kind kind, uint32_t number) {
  http::ClientRequest request;
  request.auth = http::BearerAuth{load.token};
  request.url = load.target.url;
  if (kind == kStatus) {
    request.url += "/api/v1/jobs/" + load.jobs[number % load.jobs.size()];
  } else if (kind == kUpload) {
    request.method = "POST";
    request.url += "/api/v1/eeg/upload";
    request.body = std::vector<http::FormPart>{{.name = "file",
                                                .content = Numbered(load.recording, number),
                                                .filename = fmt::format("r{}.edf", number),
                                                .content_type = "application/octet-stream"}};
  } else {
    request.method = "POST";
    request.url += "/api/v1/eeg/analyze";
    request.headers.Set("Content-Type", "application/json");
    request.body = fmt::format(R"({{"file_id":"{}","analysis_type":"quick"}})",
                               load.files[number % load.files.size()]);
  }
  return request;
}

int ExpectedStatus(Kind kind) { return kind == kSubmit ? 202 : 200; }

/// Sends one request, checks its answer and keeps the ids in it.
net::Task<Result<void>> Ask(Load& load, Kind kind, uint32_t number) {
  CO_TRY(const auto response,
         co_await load.client->Send(RequestOf(load, kind, number),
                                    base::Deadline::After(std::chrono::seconds(10))));
  if (response.status != ExpectedStatus(kind)) {
    co_return base::Fail(base::ErrorCode::kUnavailable,
                         fmt::format("{}: {} {}", kNames[kind], response.status, response.body));
  }
  CO_TRY(const auto body, json::Parse(response.body));
  if (kind == kUpload) load.files.emplace_back(body.at("file_id").as_string());
  if (kind == kSubmit) load.jobs.emplace_back(body.at("job_id").as_string());
  co_return Result<void>();
}

net::Task<void> Measure(Load& load, Kind kind, uint32_t number, Steady::time_point scheduled) {
  const auto milliseconds = [&] {
    return std::chrono::duration<double, std::milli>(Steady::now() - scheduled).count();
  };
  load.latest_start_ms = std::max(load.latest_start_ms, milliseconds());
  const auto asked = co_await Ask(load, kind, number);
  load.latencies_ms[kind].push_back(milliseconds());
  if (asked.has_value()) co_return;
  ++load.failures[kind];
  if (load.first_failure.empty()) load.first_failure = asked.error().ToString();
}

net::Task<Result<void>> LogIn(Load& load) {
  http::ClientRequest request;
  request.method = "POST";
  request.url = load.target.url + "/api/v1/auth/token";
  request.headers.Set("Content-Type", "application/x-www-form-urlencoded");
  request.body = "username=" + load.target.user + "&password=" + load.target.password;
  CO_TRY(const auto response,
         co_await load.client->Send(request, base::Deadline::After(std::chrono::seconds(10))));
  if (response.status != 200) {
    co_return base::Fail(base::ErrorCode::kUnavailable,
                         fmt::format("log in: {} {}", response.status, response.body));
  }
  CO_TRY(const auto body, json::Parse(response.body));
  load.token = std::string(body.at("access_token").as_string());
  co_return Result<void>();
}

Kind KindOf(uint32_t number) {
  if (number % 10 == 4) return kUpload;
  return number % 10 == 9 ? kSubmit : kStatus;
}

net::Task<Result<void>> RunLoad(Load& load, net::Executor executor) {
  CO_TRY(co_await LogIn(load));
  CO_TRY(co_await Ask(load, kUpload, 1));
  CO_TRY(co_await Ask(load, kSubmit, 0));
  net::TaskGroup group(executor, [&](const base::Error& error) {
    if (load.first_failure.empty()) load.first_failure = error.ToString();
  });
  const auto count = static_cast<uint32_t>(load.target.rate_hz * load.target.seconds);
  const std::chrono::nanoseconds gap(1'000'000'000 / load.target.rate_hz);
  const auto start = Steady::now() + std::chrono::milliseconds(10);
  for (uint32_t i = 0; i < count; ++i) {
    const auto scheduled = start + gap * i;
    CO_TRY(co_await net::SleepUntil(base::Deadline::At(scheduled)));
    group.Spawn(Measure(load, KindOf(i), i + 2, scheduled));
  }
  co_return co_await group.Join(base::Deadline::After(std::chrono::seconds(20)));
}

/// Nearest rank; 0 of nothing.
double Quantile(std::vector<double>& values, double share) {
  if (values.empty()) return 0;
  std::ranges::sort(values);
  const auto rank = static_cast<size_t>(std::ceil(share * static_cast<double>(values.size())));
  return values[std::max<size_t>(rank, 1) - 1];
}

void Print(Load& load) {
  for (size_t kind = 0; kind < kKinds; ++kind) {
    auto& values = load.latencies_ms[kind];
    fmt::print(
        R"({{"kind":"{}","requests":{},"failures":{},"p50":{:.3f},"p99":{:.3f},"max":{:.3f}}})"
        "\n",
        kNames[kind], values.size(), load.failures[kind], Quantile(values, 0.5),
        Quantile(values, 0.99), Quantile(values, 1));
  }
  fmt::print(R"({{"kind":"schedule","latest_start":{:.3f}}})"
             "\n",
             load.latest_start_ms);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) {
    fmt::print(stderr, "usage: bench_api_load URL USER PASSWORD RATE SECONDS\n");
    return 2;
  }
  net::Runtime runtime;
  http::Client client(runtime.executor());
  Load load{.target = {argv[1], argv[2], argv[3], std::atoi(argv[4]), std::atoi(argv[5])},
            .client = &client};
  auto recording = MakeRecording();
  if (!recording) {
    fmt::print(stderr, "{}\n", recording.error().ToString());
    return 1;
  }
  load.recording = *std::move(recording);
  const auto ran = runtime.Run(RunLoad(load, runtime.executor()));
  if (!ran) fmt::print(stderr, "{}\n", ran.error().ToString());
  if (!load.first_failure.empty()) fmt::print(stderr, "{}\n", load.first_failure);
  Print(load);
  return ran.has_value() && load.first_failure.empty() ? 0 : 1;
}
