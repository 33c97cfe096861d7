#include "assay/environment/tool.h"

#include <algorithm>
#include <csignal>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "assay/environment/guardian/journal.h"
#include "lib/net/runtime.h"
#include "lib/net/task_group.h"
#include "lib/process/descriptor.h"
#include "lib/process/table.h"

namespace assay::environment {

namespace {

constexpr size_t kKeptBytes = 16U << 20;
constexpr base::Duration kGrace = std::chrono::seconds(1);
/// How long output may lag behind the end of the program.
constexpr base::Duration kOutputLag = std::chrono::milliseconds(200);

/// Adds the marker with the session, which is known only inside it, and becomes the program.
constexpr std::string_view kMarkingScript = "export ASSAY_TOOL=\"$0:$$\"; exec \"$@\"";

net::Task<void> ReadStream(process::Descriptor from, std::string& into, const ToolCall& call) {
  std::vector<std::byte> piece(64U << 10);
  while (true) {
    const auto got = co_await net::ReadSome(from.get(), piece, base::Deadline::Never());
    if (!got.has_value() || *got == 0) co_return;
    const std::string_view text(reinterpret_cast<const char*>(piece.data()), *got);
    if (call.on_output) call.on_output(text);
    if (!call.keeps_output) continue;
    into.append(text.substr(0, kKeptBytes - std::min(kKeptBytes, into.size())));
  }
}

/// Short inputs only, which fit into a pipe; a program that does not read them is no error.
net::Task<void> WriteInput(process::Descriptor to, const std::string& input) {
  (void)co_await net::WriteAll(to.get(), std::as_bytes(std::span(input)), base::Deadline::Never());
}

void SignalSession(pid_t session, int number) {
  const auto all = process::ListAll();
  for (const process::Entry& entry : all) {
    if (entry.session == session && !entry.is_zombie()) process::Signal(entry.identity, number);
  }
}

/// SIGTERM, after the grace SIGKILL; the leader is reaped last, so that its number stays its own.
net::Task<net::ProcessExit> End(pid_t pid) {
  SignalSession(pid, SIGTERM);
  auto exit = co_await net::WaitExit(pid, base::Deadline::After(kGrace));
  SignalSession(pid, SIGKILL);
  if (!exit.has_value()) {
    exit = co_await net::WaitExit(pid, base::Deadline::After(std::chrono::seconds(5)));
  }
  co_return exit.value_or(net::ProcessExit{.code = 0, .signal = SIGKILL});
}

process::Launch LaunchOf(const ToolCall& call) {
  process::Launch launch;
  launch.argv = {"/bin/sh", "-c", std::string(kMarkingScript), call.run};
  launch.argv.insert(launch.argv.end(), call.argv.begin(), call.argv.end());
  launch.environment = call.environment;
  // An engine passes its environment on to what it starts for everybody.
  std::erase_if(launch.environment, [](const auto& one) { return one.first == kRunMarker; });
  launch.directory = call.directory;
  launch.dies_with_parent = true;
  return launch;
}

}  // namespace

ToolCall ToolSetting::Call(std::vector<std::string> argv) const {
  return {.argv = std::move(argv),
          .environment = environment,
          .directory = directory,
          .run = run,
          .input = {},
          .on_output = {},
          .keeps_output = true};
}

std::string ToolOutput::Tail(size_t lines) const {
  std::string text = err.empty() || err.back() == '\n' ? out + err : out + err + "\n";
  while (!text.empty() && text.back() == '\n') text.pop_back();
  size_t start = text.size();
  for (size_t i = 0; i < lines && start != 0; ++i) {
    const size_t before = start == 0 ? std::string::npos : text.rfind('\n', start - 1);
    start = before == std::string::npos ? 0 : before;
  }
  return text.substr(start != 0 ? start + 1 : 0);
}

net::Task<base::Result<ToolOutput>> CallTool(ToolCall call, base::Deadline deadline) {
  const std::string* path = process::FindVariable(call.environment, "PATH");
  CO_TRY(process::FindProgram(call.argv.front(), path == nullptr ? "" : *path));
  process::Launch launch = LaunchOf(call);
  CO_TRY(process::Pipe input, process::MakePipe());
  CO_TRY(process::Pipe out, process::MakePipe());
  CO_TRY(process::Pipe err, process::MakePipe());
  for (const int fd : {input.writer.get(), out.reader.get(), err.reader.get()}) {
    process::SetNonBlocking(fd);
  }
  if (!call.input.empty()) launch.stdin_fd = input.reader.get();
  launch.stdout_fd = out.writer.get();
  launch.stderr_fd = err.writer.get();
  CO_TRY(const pid_t pid, process::Spawn(launch));
  input.reader.Reset();
  out.writer.Reset();
  err.writer.Reset();
  ToolOutput output;
  net::TaskGroup streams(co_await net::CurrentExecutor(), [](const base::Error&) {});
  streams.Spawn(ReadStream(std::move(out.reader), output.out, call));
  streams.Spawn(ReadStream(std::move(err.reader), output.err, call));
  if (!call.input.empty()) streams.Spawn(WriteInput(std::move(input.writer), call.input));
  const auto exit = co_await net::WaitExit(pid, deadline);
  output.exit = exit.has_value() ? *exit : co_await net::Shielded(End(pid));
  (void)co_await net::Shielded(streams.Shutdown(base::Deadline::After(kOutputLag)));
  if (!exit.has_value()) {
    base::Error error = exit.error();
    error.message = fmt::format("`{}` did not end in time", fmt::join(call.argv, " "));
    if (const std::string tail = output.Tail(); !tail.empty()) {
      error.hint = "its last lines:\n" + tail;
    }
    co_return base::Fail(std::move(error));
  }
  co_return output;
}

net::Task<base::Result<ToolOutput>> CallToolOrFail(ToolCall call, base::Deadline deadline) {
  const std::string command = fmt::format("{}", fmt::join(call.argv, " "));
  CO_TRY(ToolOutput output, co_await CallTool(std::move(call), deadline));
  if (output.succeeded()) co_return output;
  const std::string how = output.exit.signal != 0
                              ? fmt::format("was killed by signal {}", output.exit.signal)
                              : fmt::format("exited with code {}", output.exit.code);
  base::Error error{.code = base::ErrorCode::kUnavailable,
                    .message = fmt::format("`{}` {}", command, how)};
  if (const std::string tail = output.Tail(); !tail.empty()) {
    error.hint = "its last lines:\n" + tail;
  }
  co_return base::Fail(std::move(error));
}

}  // namespace assay::environment
