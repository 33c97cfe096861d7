// Drives the program as a process: started, used over HTTP, stopped, killed and started again.

#include "montage/app/service.h"

#include <csignal>
#include <filesystem>

#include <boost/json.hpp>
#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/http/client.h"
#include "lib/net/runtime.h"
#include "lib/process/spawn.h"
#include "lib/synth/eeg.h"
#include "lib/testing/temp_dir.h"
#include "montage/app/cli/program.h"
#include "montage/app/stores/file_lock.h"

namespace montage::app {
namespace {

using base::Deadline;
using boost::json::object;
using testing::HasSubstr;
using testing::UnorderedElementsAre;
using namespace std::chrono_literals;

constexpr std::string_view kLogin = "username=anna&password=a+long+enough+password";

std::string ProgramPath() {
  return (std::filesystem::read_symlink("/proc/self/exe").parent_path() / "montage").string();
}

/// `montage serve` on a data directory. Killed by the destructor.
class Montage {
 public:
  Montage(const testing_support::TempDir& folder, int workers) {
    int ends[2] = {-1, -1};
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    const int log =
        ::open((folder / "log").c_str(), O_CREAT | O_APPEND | O_WRONLY | O_CLOEXEC, 0600);
    const auto started =
        process::Spawn({.argv = {ProgramPath(), "serve", "--data", (folder / "data").string(),
                                 "--listen", "127.0.0.1:0", "--workers", std::to_string(workers)},
                        .environment = process::InheritedEnvironment(),
                        .stdout_fd = ends[1],
                        .stderr_fd = log,
                        .dies_with_parent = true});
    ::close(ends[1]);
    ::close(log);
    pid_ = started.value_or(-1);
    char c = 0;
    while (::read(ends[0], &c, 1) == 1 && c != '\n') line_ += c;
    ::close(ends[0]);
  }
  ~Montage() {
    if (pid_ > 0) Wait(SIGKILL);
  }
  Montage(const Montage&) = delete;
  Montage& operator=(const Montage&) = delete;

  /// Sends the signal (0: none) and returns the exit code, or the negative signal that ended it.
  int Wait(int signal) {
    if (signal != 0) ::kill(pid_, signal);
    int status = 0;
    ::waitpid(std::exchange(pid_, -1), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }
  pid_t pid() const { return pid_; }
  void Signal(int signal) const { ::kill(pid_, signal); }
  /// "" when it did not start.
  std::string url() const {
    const size_t at = line_.find("http://");
    return line_.starts_with("montage listening on ") ? line_.substr(at) : "";
  }

 private:
  pid_t pid_ = -1;
  std::string line_;
};

struct Answer {
  int status = 0;
  object body;
};

Answer Send(http::ClientRequest request) {
  net::Runtime runtime;
  const auto send = [](net::Runtime& on, http::ClientRequest what) -> net::Task<Answer> {
    http::Client client(on.executor());
    const auto response = co_await client.Send(std::move(what), Deadline::After(60s));
    if (!response) {
      ADD_FAILURE() << response.error().ToString();
      co_return Answer{};
    }
    boost::system::error_code ignored;
    const auto json = boost::json::parse(response->body, ignored);
    co_return Answer{response->status, json.is_object() ? json.as_object() : object{}};
  };
  return runtime.Run(send(runtime, std::move(request)));
}

std::string Text(const object& body, std::string_view key) {
  const auto* value = body.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->as_string()) : "";
}

std::string Generate(synth::EegSpec spec) {
  formats::edf::MemorySink sink;
  EXPECT_TRUE(synth::GenerateEeg(std::move(spec), sink).has_value());
  return {reinterpret_cast<const char*>(sink.bytes().data()), sink.bytes().size()};
}

synth::EegSpec Spec(double seconds) {
  return {.channels = *synth::FirstChannels(19), .duration_s = seconds};
}

class ServiceTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(std::filesystem::exists(ProgramPath())) << ProgramPath() << " must be built";
    std::istringstream password("a long enough password\n");
    ASSERT_EQ(Program({"users", "create", "anna", "--role", "admin", "--site", "ward"}, &password),
              0)
        << output_;
  }

  /// Runs a command in this process on the test's data directory.
  int Program(std::vector<std::string> arguments, std::istream* input = nullptr) {
    std::istringstream nothing;
    std::ostringstream out;
    arguments.insert(arguments.end(), {"--data", (folder_ / "data").string()});
    const int code =
        RunProgram(arguments, {.in = input != nullptr ? *input : nothing,
                               .out = out,
                               .err = out,
                               .environment = [](std::string_view) { return std::nullopt; }});
    output_ = out.str();
    return code;
  }

  void Start(int workers = 2) {
    montage_.reset();
    montage_ = std::make_unique<Montage>(folder_, workers);
    ASSERT_NE(montage_->url(), "") << testing_support::ReadFile(folder_ / "log");
  }
  void LogIn() {
    http::ClientRequest request = Request("POST", "/api/v1/auth/token");
    request.headers.Set("Content-Type", "application/x-www-form-urlencoded");
    request.body = std::string(kLogin);
    const Answer answer = Send(std::move(request));
    ASSERT_EQ(answer.status, 200);
    token_ = Text(answer.body, "access_token");
  }
  http::ClientRequest Request(std::string method, const std::string& path) const {
    http::ClientRequest request{.method = std::move(method), .url = montage_->url() + path};
    if (!token_.empty()) request.auth = http::BearerAuth{token_};
    return request;
  }
  Answer Get(const std::string& path) const { return Send(Request("GET", path)); }
  Answer Post(const std::string& path, const object& body) const {
    http::ClientRequest request = Request("POST", path);
    request.headers.Set("Content-Type", "application/json");
    request.body = boost::json::serialize(body);
    return Send(std::move(request));
  }
  Answer Upload(std::string content) const {
    http::ClientRequest request = Request("POST", "/api/v1/eeg/upload");
    request.body = std::vector<http::FormPart>{
        {.name = "file", .content = std::move(content), .filename = "john_doe.edf"}};
    return Send(std::move(request));
  }
  std::string Analyze(const std::string& file_id, const std::string& type) const {
    const Answer answer =
        Post("/api/v1/eeg/analyze", {{"file_id", file_id}, {"analysis_type", type}});
    EXPECT_EQ(answer.status, 202) << boost::json::serialize(answer.body);
    return Text(answer.body, "job_id");
  }
  object Final(const std::string& job_id) const {
    const auto end = std::chrono::steady_clock::now() + 120s;
    while (std::chrono::steady_clock::now() < end) {
      const Answer answer = Get("/api/v1/jobs/" + job_id);
      const std::string status = Text(answer.body, "status");
      if (status != "pending" && status != "processing") return answer.body;
    }
    ADD_FAILURE() << "the job does not end";
    return {};
  }
  std::string LogText() const { return testing_support::ReadFile(folder_ / "log"); }

  testing_support::TempDir folder_;
  std::string output_;
  std::string token_;
  std::unique_ptr<Montage> montage_;
};

std::vector<std::string> BadChannels(const object& result) {
  std::vector<std::string> names;
  for (const auto& name : result.at("quality_report").as_object().at("bad_channels").as_array())
    names.emplace_back(name.as_string());
  return names;
}

TEST_F(ServiceTest, ARecordingIsAnalysedAndARestartKeepsEverything) {
  Start();
  LogIn();
  synth::EegSpec spec = Spec(120);
  spec.plants = {{.kind = synth::PlantKind::kFlat, .channels = {"T7"}},
                 {.kind = synth::PlantKind::kNoisy, .channels = {"C4"}}};
  const Answer uploaded = Upload(Generate(spec));
  ASSERT_EQ(uploaded.status, 200) << boost::json::serialize(uploaded.body);
  const std::string file_id = Text(uploaded.body, "file_id");
  std::map<std::string, object> results;
  for (const std::string type : {"quick", "comprehensive"}) {
    const std::string id = Analyze(file_id, type);
    ASSERT_EQ(Text(Final(id), "status"), "completed") << LogText();
    results[id] = Get("/api/v1/results/" + id).body;
    EXPECT_THAT(BadChannels(results[id]), UnorderedElementsAre("T7", "C4"));
    EXPECT_EQ(Text(results[id], "job_id"), id);
  }
  EXPECT_EQ(montage_->Wait(SIGTERM), 0);

  Start();
  for (const auto& [id, result] : results)
    EXPECT_EQ(Get("/api/v1/results/" + id).body, result) << "the token is still good, too";
  EXPECT_EQ(Program({"doctor"}), 0) << output_;
  EXPECT_EQ(Program({"audit", "verify"}), 0) << output_;
  for (const std::string secret : {"john_doe", "a long enough password", token_.c_str()})
    EXPECT_THAT(LogText(), testing::Not(HasSubstr(secret)));
}

TEST_F(ServiceTest, AJobWhoseServerWasKilledIsCompletedByTheNextOne) {
  Start();
  LogIn();
  const Answer uploaded = Upload(Generate(Spec(1800)));
  ASSERT_EQ(uploaded.status, 200);
  std::string killed_in;
  for (int attempt = 0; attempt < 5 && killed_in.empty(); ++attempt) {
    const std::string id = Analyze(Text(uploaded.body, "file_id"), "quick");
    std::string status = "pending";
    while (status == "pending") status = Text(Get("/api/v1/jobs/" + id).body, "status");
    if (status == "processing") killed_in = id;
  }
  ASSERT_NE(killed_in, "") << "no job was seen while it ran";
  EXPECT_EQ(montage_->Wait(SIGKILL), -SIGKILL);

  Start();
  const object job = Final(killed_in);
  EXPECT_EQ(Text(job, "status"), "completed") << boost::json::serialize(job);
  EXPECT_GE(job.at("retry_count").as_int64(), 1);
  EXPECT_EQ(Get("/api/v1/results/" + killed_in).status, 200);
  EXPECT_EQ(montage_->Wait(SIGTERM), 0);
  EXPECT_EQ(Program({"doctor"}), 0) << output_;
  EXPECT_THAT(output_, HasSubstr("0 results without one"));
}

TEST_F(ServiceTest, ARequestInFlightIsAnsweredBeforeTheEnd) {
  Start();
  const auto talk = [](const Montage& montage, std::string text) -> net::Task<std::string> {
    const std::string url = montage.url();
    const auto port = static_cast<uint16_t>(std::stoi(url.substr(url.rfind(':') + 1)));
    auto stream = co_await net::Connect("127.0.0.1", port, Deadline::After(10s));
    if (!stream) co_return "no connection";
    const std::string head = fmt::format(
        "POST /api/v1/auth/token HTTP/1.1\r\nHost: x\r\nContent-Type: "
        "application/x-www-form-urlencoded\r\n"
        "Content-Length: {}\r\nExpect: 100-continue\r\n\r\n",
        text.size());
    (void)co_await stream->Write(head, Deadline::After(10s));
    std::string answer;
    std::vector<std::byte> piece(4096);
    bool sent = false;
    while (true) {
      const auto count = co_await stream->Read(piece, Deadline::After(30s));
      if (!count || *count == 0) co_return answer;
      answer.append(reinterpret_cast<const char*>(piece.data()), *count);
      if (sent || answer.find("100 Continue") == std::string::npos) continue;
      // The handler waits for the body: now the service is told to stop.
      montage.Signal(SIGTERM);
      while (co_await net::Connect("127.0.0.1", port, Deadline::After(1s))) {
      }
      (void)co_await stream->Write(text, Deadline::After(10s));
      sent = true;
    }
  };
  net::Runtime runtime;
  const std::string answer = runtime.Run(talk(*montage_, std::string(kLogin)));
  EXPECT_THAT(answer, HasSubstr("HTTP/1.1 200"));
  EXPECT_THAT(answer, HasSubstr("access_token"));
  EXPECT_EQ(montage_->Wait(0), 0);
}

/// `montage serve`, which need not become ready, and its log line by line.
class Starting {
 public:
  explicit Starting(std::vector<std::string> arguments) {
    int ends[2] = {-1, -1};
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    log_ = ends[0];
    arguments.insert(arguments.begin(), {ProgramPath(), "serve", "--listen", "127.0.0.1:0"});
    pid_ = process::Spawn({.argv = std::move(arguments),
                           .environment = process::InheritedEnvironment(),
                           .stderr_fd = ends[1],
                           .dies_with_parent = true})
               .value();
    ::close(ends[1]);
  }
  Starting(const Starting&) = delete;
  Starting& operator=(const Starting&) = delete;
  ~Starting() { ::close(log_); }

  /// "" at the end of the log.
  std::string Line() const {
    std::string line;
    char c = 0;
    while (::read(log_, &c, 1) == 1 && c != '\n') line += c;
    return line;
  }
  /// Whether it ends in order when it is told to stop.
  bool Ends() const {
    ::kill(pid_, SIGTERM);
    int status = 0;
    ::waitpid(pid_, &status, 0);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
  }

 private:
  int log_ = -1;
  pid_t pid_ = 0;
};

TEST_F(ServiceTest, WhatWaitsForAStoreSaysSoAndEndsInOrder) {
  const Starting serving(
      {"--data", (folder_ / "other").string(), "--cache", "redis://:secret@127.0.0.1:1"});
  const std::string line = serving.Line();
  EXPECT_THAT(line, HasSubstr("waiting_for_cache"));
  EXPECT_THAT(line, testing::Not(HasSubstr("secret")));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "other" / "montage.db")) << "nothing is opened";
  EXPECT_TRUE(serving.Ends());
}

TEST_F(ServiceTest, ADirectoryThatAnotherProcessHasForItselfIsWaitedFor) {
  const std::filesystem::path data = folder_ / "other";
  std::filesystem::create_directory(data);
  std::optional<FileLock> recovering = FileLock::Take(data / "serve.lock", false).value();
  const Starting serving({"--data", data.string()});
  const std::string line = serving.Line();
  EXPECT_THAT(line, HasSubstr("waiting_for_directory"));
  EXPECT_THAT(line, HasSubstr(data.string()));
  recovering.reset();
  std::string last = line;
  while (!last.empty() && !last.contains("\"listening\"")) last = serving.Line();
  EXPECT_THAT(last, HasSubstr("http://127.0.0.1:"));
  EXPECT_TRUE(serving.Ends());
}

TEST_F(ServiceTest, OneServerWithWorkersADirectory) {
  Start();
  const Montage second(folder_, 1);
  EXPECT_EQ(second.url(), "");
  const std::string who = fmt::format("montage serve (process {})", montage_->pid());
  EXPECT_THAT(LogText(), HasSubstr(who + " works on the jobs of " + (folder_ / "data").string()));
  const Montage third(folder_, 0);
  EXPECT_NE(third.url(), "") << LogText();
  EXPECT_EQ(Program({"migrate", "down", "--to", "0"}), 1);
  EXPECT_THAT(output_, HasSubstr(who));
  EXPECT_THAT(output_, HasSubstr("stop it first"));
}

TEST_F(ServiceTest, RealRecordingsAreAnalysedOrSayWhyNot) {
  const std::filesystem::path folder = ASSAY_SOURCE_DIR "/../shared/data/edf";
  if (!std::filesystem::exists(folder / "short_psg.edf"))
    GTEST_SKIP() << "the public recordings are not there";
  Start();
  LogIn();
  const std::map<std::string, std::string> formats{{"short_psg.edf", "edf"},
                                                   {"short_psg.bdf", "bdf"},
                                                   {"generator_datarec_2.bdf", "bdf+c"},
                                                   {"SC4001EC-Hypnogram.edf", "edf+c"}};
  for (const auto& [name, format] : formats) {
    const Answer uploaded = Upload(testing_support::ReadFile(folder / name));
    ASSERT_EQ(uploaded.status, 200) << name << boost::json::serialize(uploaded.body);
    EXPECT_EQ(Text(uploaded.body, "format"), format) << name;
    const std::string id = Analyze(Text(uploaded.body, "file_id"), "quick");
    ASSERT_EQ(Text(Final(id), "status"), "completed") << name;
    const object result = Get("/api/v1/results/" + id).body;
    const object& quality = result.at("quality_report").as_object();
    const bool has_eeg = name.starts_with("short_psg");
    EXPECT_EQ(quality.at("is_acceptable").as_bool(), has_eeg) << name;
    EXPECT_EQ(quality.at("reasons").as_array().empty(), has_eeg) << name;
  }
}

TEST(Program, UsageAndConfigurationErrorsAreTwoAndSayWhatToDo) {
  const auto run = [](const std::vector<std::string>& arguments) {
    std::istringstream in;
    std::ostringstream out;
    const int code =
        RunProgram(arguments, {.in = in, .out = out, .err = out, .environment = [](auto) {
                                 return std::optional<std::string>();
                               }});
    return std::pair(code, out.str());
  };
  EXPECT_EQ(run({}).first, 2);
  EXPECT_EQ(run({"serv"}).first, 2);
  EXPECT_THAT(run({"serv"}).second, HasSubstr("did you mean \"serve\"?"));
  EXPECT_EQ(run({"serve", "--workers", "many"}).first, 2);
  EXPECT_EQ(run({"--help"}).first, 0);
  const testing_support::TempDir folder;
  const auto serve = [&](std::vector<std::string> options) {
    options.insert(options.begin(), {"serve", "--data", (folder / "d").string()});
    const auto done = run(options);
    EXPECT_EQ(done.first, 1);
    EXPECT_THAT(done.second, testing::Not(HasSubstr("secret")));
    return done.second;
  };
  EXPECT_THAT(serve({"--database", "mysql://u:secret@h/d"}), HasSubstr("expected postgresql://"));
  EXPECT_THAT(serve({"--database-replica", "postgresql://u:secret@h/d"}),
              HasSubstr("no database that it follows"));
  EXPECT_THAT(serve({"--queue", "amqp://u:secret@h/"}), HasSubstr("a file of this machine"));
  EXPECT_THAT(serve({"--database", "postgresql://u:secret@h/d", "--queue", "kafka://u:secret@h"}),
              HasSubstr("reading configuration queue"));
  EXPECT_THAT(serve({"--cache", "memcached://u:secret@h/"}), HasSubstr("expected redis://"));
  const auto absent = run({"users", "list", "--data", (folder / "d").string()});
  EXPECT_EQ(absent.first, 1);
  EXPECT_THAT(absent.second, HasSubstr("there is no Montage database"));
}

TEST(Program, PrintsTheDescriptionOfTheApi) {
  std::istringstream in;
  std::ostringstream out;
  const ProgramIo io{.in = in, .out = out, .err = out, .environment = [](auto) {
                       return std::optional<std::string>();
                     }};
  EXPECT_EQ(RunProgram({"openapi"}, io), 0);
  EXPECT_THAT(out.str(), HasSubstr("\"/api/v1/eeg/upload\""));
}

}  // namespace
}  // namespace montage::app
