#include "assay/action/exec_action.h"

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <optional>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include "assay/cel/json.h"
#include "assay/cel/text.h"
#include "lib/base/units.h"
#include "lib/base/utf8.h"
#include "lib/net/descriptor.h"
#include "lib/net/runtime.h"
#include "lib/net/task_group.h"
#include "lib/net/timer.h"
#include "lib/process/descriptor.h"
#include "lib/process/spawn.h"
#include "lib/process/table.h"

namespace assay::action {
namespace {

using base::ErrorCode;
using base::Result;
using cel::Value;
using history::Disposition;
using history::Outcome;
using scenario::Type;

/// What expressions see of each stream; the whole of a longer one is a blob.
constexpr size_t kShownBytes = 1 << 20;
/// What is kept at all.
constexpr size_t kKeptBytes = 64 << 20;
/// How long output may lag behind the end of the program, when something else still holds it.
constexpr base::Duration kOutputLag = std::chrono::milliseconds(200);
constexpr base::Duration kGrace = std::chrono::seconds(1);

struct Stream {
  std::string text;
  uint64_t total = 0;
};

/// Marks everything that one step starts, so that what leaves its session is found.
constexpr std::string_view kStepMarker = "ASSAY_EXEC_ID";

/// One program while it runs.
struct Execution {
  pid_t pid = 0;
  std::string marker;  ///< NAME=value
  std::string input;
  Stream out;
  Stream err;
  std::optional<net::ProcessExit> exit;
};

Result<std::vector<std::string>> TextList(const Value& value, std::string_view what) {
  std::vector<std::string> texts;
  for (const Value& one : value.list()) {
    if (one.is_list() || one.is_map() || one.is_null()) {
      return base::Fail(ErrorCode::kInvalid, fmt::format("{} holds {}, expected texts and numbers",
                                                         what, cel::ToString(one.kind())));
    }
    texts.push_back(cel::ToText(one));
  }
  return texts;
}

/// A list is a program and its arguments; a text is for the shell, or with `args` a program.
Result<std::vector<std::string>> ReadCommand(const Value& params) {
  const Value* command = params.Find("command");
  if (command == nullptr || !(command->is_string() || command->is_list())) {
    return base::Fail(ErrorCode::kInvalid,
                      "parameter \"command\" is missing, expected a text or a list");
  }
  const Value* args = params.Find("args");
  std::vector<std::string> argv;
  if (command->is_list()) {
    TRY(argv, TextList(*command, "command"));
  } else if (args != nullptr) {
    argv = {std::string(command->string())};
  } else {
    return std::vector<std::string>{"/bin/sh", "-c", std::string(command->string())};
  }
  if (args != nullptr && args->is_list()) {
    TRY(auto more, TextList(*args, "args"));
    argv.insert(argv.end(), more.begin(), more.end());
  } else if (args != nullptr) {
    argv.push_back(cel::ToText(*args));
  }
  return argv;
}

Result<process::Launch> ReadLaunch(const Value& params, const ActionContext& context) {
  process::Launch launch;
  TRY(launch.argv, ReadCommand(params));
  launch.environment = process::InheritedEnvironment();
  for (const auto& [name, value] : context.process_environment) {
    process::SetVariable(launch.environment, name, value);
  }
  process::SetVariable(launch.environment, "ASSAY_WORK_DIR", context.work_dir);
  if (const Value* env = params.Find("env"); env != nullptr && env->is_map()) {
    for (const auto& entry : env->map().entries()) {
      process::SetVariable(launch.environment, cel::ToText(entry.key), cel::ToText(entry.value));
    }
  }
  std::filesystem::path folder = context.source_dir;
  if (const Value* cwd = params.Find("cwd")) folder /= cel::ToText(*cwd);
  launch.directory = folder.string();
  return launch;
}

std::string ReadInput(const Value& params) {
  const Value* input = params.Find("stdin");
  if (input == nullptr || input->is_null()) return {};
  if (input->is_string() || input->is_bytes()) return std::string(input->string());
  return boost::json::serialize(cel::ToJson(*input));
}

net::Task<void> ReadStream(process::Descriptor from, Stream& into) {
  std::vector<std::byte> piece(64 << 10);
  while (true) {
    const auto got = co_await net::ReadSome(from.get(), piece, base::Deadline::Never());
    if (!got.has_value() || *got == 0) co_return;
    into.total += *got;
    const size_t room = kKeptBytes - std::min(kKeptBytes, into.text.size());
    into.text.append(reinterpret_cast<const char*>(piece.data()), std::min(*got, room));
  }
}

/// One write without SIGPIPE, which would end assay: blocked for this thread, and taken back when
/// the program had closed its input.
ssize_t WriteQuietly(int fd, std::string_view bytes) {
  sigset_t pipe_signal;
  sigset_t before;
  ::sigemptyset(&pipe_signal);
  ::sigaddset(&pipe_signal, SIGPIPE);
  ::pthread_sigmask(SIG_BLOCK, &pipe_signal, &before);
  const ssize_t put = ::write(fd, bytes.data(), bytes.size());
  const int number = errno;
  if (put < 0 && number == EPIPE) {
    const timespec none = {};
    ::sigtimedwait(&pipe_signal, nullptr, &none);
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = number;
  return put;
}

/// A program that does not read its input to the end is no error.
net::Task<void> WriteInput(process::Descriptor to, std::string_view input) {
  while (!input.empty()) {
    const auto room = co_await net::WaitWritable(to.get(), base::Deadline::Never());
    if (!room.has_value()) co_return;
    const ssize_t put = WriteQuietly(to.get(), input);
    if (put < 0 && errno != EAGAIN && errno != EINTR) co_return;
    if (put > 0) input.remove_prefix(static_cast<size_t>(put));
  }
}

/// Unique on this machine.
std::string NewStepId(const base::Clock& clock) {
  return fmt::format("{}.{}", ::getpid(), clock.Steady().time_since_epoch().count());
}

/// The program, its session, its descendants and what carries its mark, however often they fork
/// meanwhile.
void SignalAll(const Execution& execution, int number) {
  const pid_t leader = execution.pid;
  std::vector<process::Identity> reached;
  for (size_t before = reached.size() + 1; before != reached.size();) {
    before = reached.size();
    const auto all = process::ListAll();
    std::vector<process::Identity> members = process::DescendantsOf(leader, all);
    for (const process::Entry& entry : all) {
      if (entry.is_zombie()) continue;
      if (entry.session == leader ||
          process::WasStartedWith(entry.identity.pid, execution.marker)) {
        members.push_back(entry.identity);
      }
    }
    for (const process::Identity& one : members) {
      if (std::ranges::find(reached, one) != reached.end()) continue;
      reached.push_back(one);
      process::Signal(one, number);
    }
  }
}

/// SIGTERM, after the grace SIGKILL. The program is reaped last, so that its number stays its own.
net::Task<void> End(Execution& execution) {
  SignalAll(execution, SIGTERM);
  auto exit = co_await net::WaitExit(execution.pid, base::Deadline::After(kGrace));
  SignalAll(execution, SIGKILL);
  if (!exit.has_value()) {
    exit = co_await net::WaitExit(execution.pid, base::Deadline::After(std::chrono::seconds(5)));
  }
  if (exit.has_value()) execution.exit = *exit;
}

/// Returns when the program has ended in any way; the error says why it was ended.
net::Task<Result<void>> Execute(process::Launch launch, Execution& execution,
                                base::Deadline deadline) {
  CO_TRY(process::Pipe input, process::MakePipe());
  CO_TRY(process::Pipe out, process::MakePipe());
  CO_TRY(process::Pipe err, process::MakePipe());
  for (const int fd : {input.writer.get(), out.reader.get(), err.reader.get()}) {
    process::SetNonBlocking(fd);
  }
  launch.stdin_fd = input.reader.get();
  launch.stdout_fd = out.writer.get();
  launch.stderr_fd = err.writer.get();
  CO_TRY(execution.pid, process::Spawn(launch));
  input.reader.Reset();
  out.writer.Reset();
  err.writer.Reset();
  net::TaskGroup streams(co_await net::CurrentExecutor(), [](const base::Error&) {});
  streams.Spawn(ReadStream(std::move(out.reader), execution.out));
  streams.Spawn(ReadStream(std::move(err.reader), execution.err));
  streams.Spawn(WriteInput(std::move(input.writer), execution.input));
  const auto exit = co_await net::WaitExit(execution.pid, deadline);
  if (exit.has_value()) {
    execution.exit = *exit;
  } else {
    co_await net::Shielded(End(execution));
  }
  (void)co_await net::Shielded(streams.Shutdown(base::Deadline::After(kOutputLag)));
  if (!exit.has_value()) co_return base::Fail(exit.error());
  co_return Result<void>();
}

/// Text is UTF-8 in the language: other bytes become U+FFFD.
std::string ToUtf8(std::string_view bytes) {
  if (base::IsUtf8(bytes)) return std::string(bytes);
  std::string text;
  while (!bytes.empty()) {
    const size_t length = base::utf8_detail::SequenceLength(bytes);
    text += length == 0 ? std::string_view("\xEF\xBF\xBD") : bytes.substr(0, length);
    bytes.remove_prefix(std::max<size_t>(length, 1));
  }
  return text;
}

Result<void> PutStream(cel::MapBuilder& map, std::string_view name, const Stream& stream,
                       const ActionContext& context, Outcome& outcome) {
  map.Set(name, Value::String(ToUtf8(std::string_view(stream.text).substr(0, kShownBytes))));
  if (stream.total <= kShownBytes) return {};
  TRY(std::string blob, context.blobs.Put(stream.text));
  map.Set(fmt::format("{}_blob", name), Value::String(blob));
  outcome.blobs.push_back(std::move(blob));
  return {};
}

Result<void> Describe(const Execution& execution, bool parse_json, const ActionContext& context,
                      base::Duration duration, Outcome& outcome) {
  cel::MapBuilder map;
  const net::ProcessExit exit = execution.exit.value_or(net::ProcessExit{});
  // As shells do, so that 0 always means success.
  constexpr int kSignalBase = 128;
  map.Set("exit_code", Value::Int(exit.signal != 0 ? kSignalBase + exit.signal : exit.code));
  map.Set("signal", Value::Int(exit.signal));
  TRY(PutStream(map, "stdout", execution.out, context, outcome));
  TRY(PutStream(map, "stderr", execution.err, context, outcome));
  map.Set("truncated",
          Value::Bool(std::max(execution.out.total, execution.err.total) > kShownBytes));
  map.Set("duration", Value::Duration(duration));
  Value json = Value::Null();
  std::string json_error;
  if (parse_json) {
    auto parsed = cel::ParseJson(execution.out.text);
    if (parsed.has_value()) {
      json = std::move(*parsed);
    } else {
      json_error = parsed.error().message;
    }
  }
  map.Set("json", std::move(json));
  map.Set("json_error", Value::String(json_error));
  outcome.value = std::move(map).Build();
  return {};
}

Outcome Failed(base::Error error, base::Duration duration = {}) {
  const bool cancelled = error.code == ErrorCode::kCancelled;
  return {.disposition = cancelled ? Disposition::kInterrupted : Disposition::kError,
          .value = Value::Object({}),
          .error = std::move(error),
          .duration = duration};
}

}  // namespace

ExecAction::ExecAction() {
  schema_ = {.name = "exec",
             .doc = "Runs a program. An exit code other than 0 is an ordinary outcome.",
             .shorthand = "command",
             .shorthand_doc = "a text for the shell, or a list with the program and its arguments"};
  schema_.params = {
      .name = "exec",
      .doc = "The program and what it gets.",
      .fields = {
          {.name = "command",
           .type = Type::OneOrMore(Type::String()),
           .required = true,
           .doc = "A text runs by `/bin/sh -c`; a list is a program and its arguments."},
          {.name = "args",
           .type = Type::OneOrMore(Type::String()),
           .doc = "Further arguments; then a `command` that is a text names the program itself."},
          {.name = "env",
           .type = Type::Map(Type::String()),
           .doc = "Environment variables besides the inherited ones."},
          {.name = "cwd",
           .type = Type::String(),
           .doc = "Working directory, from the folder of the scenario file."},
          {.name = "stdin",
           .type = Type::Any(),
           .doc = "Text or bytes as they are; any other value as JSON."},
          {.name = "parse_json",
           .type = Type::Bool(),
           .default_text = "false",
           .doc = "Read the whole standard output as one JSON value."}}};
  schema_.outcome = {
      {.name = "exit_code",
       .type = Type::Int(),
       .doc = "Exit code; 128 + the number of the signal that killed it."},
      {.name = "signal", .type = Type::Int(), .doc = "The signal that killed it, else 0."},
      {.name = "stdout", .type = Type::String(), .doc = "The first MiB of standard output."},
      {.name = "stderr", .type = Type::String(), .doc = "The first MiB of standard error."},
      {.name = "stdout_blob", .type = Type::String(), .doc = "All of it, when it is longer."},
      {.name = "stderr_blob", .type = Type::String(), .doc = "All of it, when it is longer."},
      {.name = "truncated", .type = Type::Bool(), .doc = "One of the two is longer."},
      {.name = "json",
       .type = Type::Any(),
       .doc = "Standard output as a value, with `parse_json`; null when it is no JSON."},
      {.name = "json_error", .type = Type::String(), .doc = "Why it is no JSON, else empty."},
      {.name = "duration", .type = Type::Duration(), .doc = "From start to end."}};
}

std::string ExecAction::Head(const Value& params) const {
  constexpr size_t kLongest = 80;
  const Value* command = params.Find("command");
  if (command == nullptr) return "exec";
  std::string head;
  if (command->is_list()) {
    for (const Value& word : command->list()) head += (head.empty() ? "" : " ") + cel::ToText(word);
  } else {
    head = cel::ToText(*command);
  }
  head.resize(std::min(head.find('\n'), head.size()));
  if (head.size() > kLongest) head = head.substr(0, kLongest - 3) + "...";
  return head;
}

net::Task<Outcome> ExecAction::Run(Value params, const ActionContext& context) const {
  const auto started = context.clock.Steady();
  auto launch = ReadLaunch(params, context);
  if (!launch.has_value()) co_return Failed(std::move(launch).error());
  const std::string program = launch->argv.front();
  Execution execution;
  execution.input = ReadInput(params);
  const std::string step_id = NewStepId(context.clock);
  process::SetVariable(launch->environment, kStepMarker, step_id);
  execution.marker = fmt::format("{}={}", kStepMarker, step_id);
  const auto ended = co_await Execute(std::move(*launch), execution, context.deadline);
  const base::Duration duration = context.clock.Steady() - started;
  if (!ended.has_value() && execution.pid == 0) co_return Failed(ended.error(), duration);
  const Value* parse_json = params.Find("parse_json");
  Outcome outcome;
  if (!ended.has_value()) {
    outcome = Failed(ended.error(), duration);
    outcome.error->message = fmt::format(
        "\"{}\" was ended after {}, because {}", program, base::FormatDuration(duration),
        ended.error().code == ErrorCode::kTimeout ? "the time of the step was over"
                                                  : "the step was cancelled");
    outcome.error->hint = "what it wrote until then is in the outcome";
  }
  outcome.duration = duration;
  const auto described = Describe(execution, parse_json != nullptr && parse_json->is_true(),
                                  context, duration, outcome);
  if (!described.has_value()) co_return Failed(described.error(), duration);
  co_return outcome;
}

}  // namespace assay::action
