#include "montage/inference/model_process.h"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

#include <fmt/format.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/process/spawn.h"
#include "montage/inference/byte_stream.h"

namespace montage::inference {
namespace {

using base::Deadline;
using base::ErrorCode;
using base::Result;

constexpr uint64_t kMaxDescriptors = 256;
constexpr int kEndWaitMs = 1000;

Result<std::pair<process::Descriptor, process::Descriptor>> MakeStream() {
  int ends[2] = {-1, -1};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    return base::Fail(ErrorCode::kExhausted,
                      fmt::format("cannot connect to a model process: {}", std::strerror(errno)));
  }
  return std::pair(process::Descriptor(ends[0]), process::Descriptor(ends[1]));
}

/// How a child has ended, or ends within a moment; "" otherwise. It is not reaped.
std::string DescribeEnd(pid_t child) {
  const process::Descriptor handle(static_cast<int>(::syscall(SYS_pidfd_open, child, 0)));
  pollfd ended{.fd = handle.get(), .events = POLLIN, .revents = 0};
  if (!handle || ::poll(&ended, 1, kEndWaitMs) <= 0) return "";
  siginfo_t how = {};
  if (::waitid(P_PID, static_cast<id_t>(child), &how, WEXITED | WNOHANG | WNOWAIT) != 0) return "";
  if (how.si_code == CLD_EXITED) return fmt::format("; it ended with exit code {}", how.si_status);
  return fmt::format("; it was ended by signal {}", how.si_status);
}

}  // namespace

ModelProcess::ModelProcess(ModelProcess&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      stream_(std::move(other.stream_)),
      hello_(std::move(other.hello_)),
      request_(other.request_) {}

ModelProcess& ModelProcess::operator=(ModelProcess&& other) noexcept {
  if (this != &other) {
    Kill();
    pid_ = std::exchange(other.pid_, -1);
    stream_ = std::move(other.stream_);
    hello_ = std::move(other.hello_);
    request_ = other.request_;
  }
  return *this;
}

Result<ModelProcess> ModelProcess::Start(const ModelProcessOptions& options, Deadline deadline) {
  TRY(auto stream, MakeStream());
  const int far = stream.second.get();
  const std::string threads = std::to_string(options.threads);
  process::Launch launch{
      .argv = {options.program, options.model, "--sha256", options.sha256, "--threads", threads},
      // libtorch's libraries bring thread pools of their own.
      .environment = {{"OMP_NUM_THREADS", threads}, {"OPENBLAS_NUM_THREADS", threads}},
      .stdin_fd = far,
      .stdout_fd = far,
      .limits = {{RLIMIT_CORE, 0}, {RLIMIT_FSIZE, 0}, {RLIMIT_NOFILE, kMaxDescriptors}}};
  if (options.memory_bytes > 0) launch.limits.push_back({RLIMIT_AS, options.memory_bytes});
  // It ends with the connection, not with the thread that starts it, which may end sooner.
  TRY(const pid_t pid, process::Spawn(launch));
  stream.second.Reset();
  ModelProcess started(pid, std::move(stream.first));
  if (auto greeted = started.Greet(options.sha256, deadline); !greeted)
    return base::Fail(
        started.Explain(std::move(greeted).error()).While("starting the model process"));
  return started;
}

Result<void> ModelProcess::Greet(const std::string& sha256, Deadline deadline) {
  TRY(const std::string line, ReceiveLine(stream_.get(), kMaxHelloBytes, deadline));
  TRY(hello_, ParseHello(line));
  if (hello_.sha256 != sha256) {
    return base::Fail(
        ErrorCode::kCorrupt,
        fmt::format("the model process has loaded a model with SHA-256 {}, expected {}",
                    hello_.sha256, sha256));
  }
  return {};
}

bool ModelProcess::is_usable() const { return pid_ > 0 && !IsDisturbed(stream_.get()); }

Result<std::vector<float>> ModelProcess::Score(const Shape& shape, std::span<const float> samples,
                                               Deadline deadline) {
  TRY(CheckShape(shape));
  if (samples.size() != shape.values()) {
    return base::Fail(ErrorCode::kInvalid,
                      fmt::format("{} values are no {} x {} x {} batch", samples.size(),
                                  shape.windows, shape.channels, shape.samples));
  }
  auto scores = Exchange(shape, samples, deadline);
  if (!scores && scores.error().code != ErrorCode::kInvalid)
    return base::Fail(Explain(std::move(scores).error()));
  return scores;
}

Result<std::vector<float>> ModelProcess::Exchange(const Shape& shape,
                                                  std::span<const float> samples,
                                                  Deadline deadline) {
  const uint64_t request = ++request_;
  TRY(SendAll(stream_.get(), EncodeWindows(request, shape, samples), deadline));
  uint8_t bytes[kHeadBytes];
  TRY(ReceiveAll(stream_.get(), bytes, deadline));
  TRY(const FrameHead head, ParseHead(std::span(bytes)));
  const bool is_answer = head.request == request && head.kind != FrameKind::kWindows &&
                         (head.kind == FrameKind::kError || head.shape.windows == shape.windows);
  if (!is_answer) {
    return base::Fail(ErrorCode::kCorrupt,
                      fmt::format("the model process answered request {} with {} scores instead of "
                                  "request {} with {}",
                                  head.request, head.shape.windows, request, shape.windows));
  }
  std::vector<uint8_t> payload(head.payload_bytes);
  TRY(ReceiveAll(stream_.get(), payload, deadline));
  if (head.kind == FrameKind::kError)
    return base::Fail(ErrorCode::kInvalid, "the model: " + Printable(DecodeText(payload)));
  std::vector<float> scores = DecodeFloats(payload);
  for (const float score : scores) {
    // Written so that NaN is out of range.
    if (!(score >= 0.0F && score <= 1.0F))
      return base::Fail(ErrorCode::kCorrupt,
                        fmt::format("the model process gave the score {}", score));
  }
  return scores;
}

base::Error ModelProcess::Explain(base::Error error) {
  // Who closed the connection is about to end; anybody else is not waited for.
  if (error.code == ErrorCode::kUnavailable) error.message += DescribeEnd(pid_);
  Kill();
  return error;
}

void ModelProcess::Kill() {
  stream_.Reset();
  if (pid_ <= 0) return;
  ::kill(-pid_, SIGKILL);
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
}

}  // namespace montage::inference
