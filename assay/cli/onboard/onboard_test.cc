// init, import and record as people use them: what they write is checked and run.

#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "assay/cli/cli.h"
#include "assay/cli/onboard/completion.h"
#include "lib/http/client.h"
#include "lib/http/router.h"
#include "lib/http/server.h"
#include "lib/json/parse.h"
#include "lib/net/runtime.h"
#include "lib/process/descriptor.h"
#include "lib/process/spawn.h"
#include "lib/testing/temp_dir.h"
#include "lib/testing/test_server.h"

namespace assay::cli {
namespace {

using base::Deadline;
using testing::HasSubstr;
using testing::Not;
using namespace std::chrono_literals;

class Onboarding : public testing::Test {
 protected:
  Onboarding() {
    host_.out = [this](std::string_view text) { out_ += text; };
    host_.err = [this](std::string_view text) { err_ += text; };
    host_.environment = process::InheritedEnvironment();
    host_.directory = temp_.path();
    host_.program = ASSAY_PROGRAM;
    host_.clock = &clock_;
    host_.interrupt = &interrupt_;
  }

  int Call(const std::vector<std::string>& arguments) {
    out_.clear();
    err_.clear();
    return Main(arguments, host_);
  }

  testing_support::TempDir temp_;
  base::SystemClock clock_;
  net::Cancellation interrupt_;
  Host host_;
  std::string out_;
  std::string err_;
};

TEST_F(Onboarding, ANewProjectRunsAtOnce) {
  ASSERT_EQ(Call({"init", "demo"}), 0) << err_;
  EXPECT_THAT(out_, HasSubstr("cd demo"));
  EXPECT_EQ(Call({"check", "demo"}), 0) << out_ << err_;
  EXPECT_THAT(out_, HasSubstr("no errors"));
  EXPECT_EQ(Call({"run", "--project", "demo"}), 0) << out_ << err_;
  EXPECT_EQ(Call({"trace", "--project", "demo", "--fail-uncovered"}), 0) << out_ << err_;
}

TEST_F(Onboarding, InitReplacesNothing) {
  temp_.Write("demo/suites/first/first.yaml", "mine\n");
  EXPECT_EQ(Call({"init", "demo"}), 1);
  EXPECT_THAT(err_, HasSubstr("first.yaml exists already; nothing was written"));
  EXPECT_FALSE(std::filesystem::exists(temp_ / "demo/assay.yaml"));
}

TEST_F(Onboarding, AnAddressThatIsNoneIsRefused) {
  EXPECT_EQ(Call({"init", "--url", "ftp://x/"}), 1);
}

constexpr std::string_view kNotes = R"py(
import json, sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
NOTES = {}
class Notes(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def answer(self, status, value, **headers):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        for name, text in headers.items():
            self.send_header(name, text)
        self.end_headers()
        self.wfile.write(body)
    def allowed(self):
        return self.headers.get("Authorization") == "Bearer canary-s3cret-77"
    def do_GET(self):
        if not self.allowed():
            return self.answer(401, {"error": "who"})
        note = NOTES.get(self.path.removeprefix("/notes/"))
        return self.answer(200, note) if note else self.answer(404, {"error": "not_found"})
    def do_POST(self):
        text = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["text"]
        if not self.allowed():
            return self.answer(401, {"error": "who"})
        key = "note-%06d" % (len(NOTES) + 1)
        NOTES[key] = {"id": key, "text": text, "made": str(len(NOTES))}
        return self.answer(201, NOTES[key], Location="/notes/" + key)
    def do_DELETE(self):
        return self.answer(200 if NOTES.pop(self.path.removeprefix("/notes/"), None) else 404, {})
    def log_message(self, *_):
        pass
ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Notes).serve_forever()
)py";

class WithNotes : public Onboarding {
 protected:
  WithNotes() : port_(testing_support::FreePort()) {
    const auto program = temp_.Write("server.py", kNotes);
    server_ = testing_support::TestServer::Start(
        {"python3", program.string(), std::to_string(port_)}, port_, temp_ / "server.log");
    url_ = "http://127.0.0.1:" + std::to_string(port_);
  }

  // Sends what a person would do through the proxy.
  static net::Task<void> Use(std::string proxy) {
    http::Client client(co_await net::CurrentExecutor());
    const http::Headers headers{{"Authorization", "Bearer canary-s3cret-77"},
                                {"Content-Type", "application/json"}};
    const auto send = [&](std::string method, std::string path, std::string body) {
      http::ClientRequest request{
          .method = std::move(method), .url = proxy + path, .headers = headers};
      if (!body.empty()) request.body = std::move(body);
      return client.Send(std::move(request), Deadline::After(20s));
    };
    const auto made = co_await send("POST", "/notes", R"({"text": "Ring Ada"})");
    EXPECT_TRUE(made.has_value());
    const std::string path(made->headers.Get("Location").value_or("/none"));
    (void)co_await send("GET", path, "");
    (void)co_await send("DELETE", path, "");
    (void)co_await send("GET", path, "");
  }

  uint16_t port_;
  std::unique_ptr<testing_support::TestServer> server_;
  std::string url_;
};

TEST_F(WithNotes, WhatWasRecordedRunsAgainstTheSystemAgain) {
  ASSERT_NE(server_, nullptr);
  std::optional<std::thread> person;
  host_.out = [&](std::string_view text) {
    out_ += text;
    const size_t start = text.find("recording ");
    if (start == std::string_view::npos) return;
    const std::string proxy(text.substr(start + 10, text.find(" ->") - start - 10));
    person.emplace([proxy] { net::Runtime().Run(Use(proxy)); });
  };
  out_.clear();
  const int recorded = Main(
      {"record", "--upstream", url_, "--out", "suites/notes/notes.yaml", "--requests", "4"}, host_);
  if (person) person->join();
  ASSERT_EQ(recorded, 0) << out_ << err_;
  EXPECT_THAT(out_, HasSubstr("export NOTES_TOKEN=..."));
  const std::string scenario = testing_support::ReadFile(temp_ / "suites/notes/notes.yaml");
  EXPECT_THAT(scenario, HasSubstr("save: { note_id: body.id }"));
  EXPECT_THAT(scenario, HasSubstr("http: DELETE /notes/${{ vars.note_id }}"));
  EXPECT_THAT(scenario + testing_support::ReadFile(temp_ / "assay.yaml") + out_,
              Not(HasSubstr("canary")));
  process::SetVariable(host_.environment, "NOTES_TOKEN", "canary-s3cret-77");
  EXPECT_EQ(Call({"run"}), 0) << out_ << err_ << scenario;
  EXPECT_EQ(Call({"run"}), 0) << "the second time the ids are others\n" << out_;
  EXPECT_EQ(Main({"record", "--upstream", url_, "--out", "suites/notes/notes.yaml"}, host_), 1);
  EXPECT_THAT(err_, HasSubstr("exists already"));
}

TEST_F(WithNotes, AnImportGoesIntoTheProjectThatIsThere) {
  ASSERT_EQ(Call({"init", "--url", url_}), 0) << err_;
  temp_.Write("calls.sh", "curl -d '{\"text\": \"x\"}' -H 'Authorization: Bearer canary-1234567' " +
                              url_ + "/notes\n");
  EXPECT_EQ(Call({"import", "curl", "calls.sh"}), 0) << out_ << err_;
  EXPECT_THAT(out_, HasSubstr("wrote suites/calls/calls.yaml"));
  EXPECT_THAT(out_, HasSubstr("add to the environment in assay.yaml:"));
  EXPECT_THAT(out_, HasSubstr("token: { variable: CALLS_TOKEN }"));
  EXPECT_EQ(Call({"import", "curl", "calls.sh"}), 1);
  EXPECT_THAT(err_, HasSubstr("exists already"));
  EXPECT_EQ(Call({"import", "curl", "calls.sh", "--force", "--json"}), 0) << err_;
  const auto told = json::Parse(out_);
  ASSERT_TRUE(told) << out_;
  EXPECT_EQ(told->at("scenarios").as_int64(), 1);
}

TEST_F(Onboarding, StandardInputIsRead) {
  auto pipe = process::MakePipe().value();
  constexpr std::string_view kCommand = "curl http://127.0.0.1:9/health\n";
  ASSERT_EQ(write(pipe.writer.get(), kCommand.data(), kCommand.size()),
            static_cast<ssize_t>(kCommand.size()));
  pipe.writer.Reset();
  host_.input = pipe.reader.get();
  EXPECT_EQ(Call({"import", "curl", "-", "--name", "health"}), 0) << out_ << err_;
  EXPECT_TRUE(std::filesystem::exists(temp_ / "suites/health/health.yaml"));
  EXPECT_EQ(Call({"check"}), 0) << err_;
}

TEST_F(Onboarding, WrongInputIsShownWithItsPlace) {
  temp_.Write("calls.sh", "curl http://h/\ncurl --heder x http://h/\n");
  EXPECT_EQ(Call({"import", "curl", "calls.sh"}), 2);
  EXPECT_THAT(err_, HasSubstr("calls.sh:2:6"));
  EXPECT_EQ(Call({"import", "har", "none.har"}), 1);
  EXPECT_EQ(Call({"import", "raml", "calls.sh"}), 1);
  EXPECT_EQ(Call({"record", "--upstream", "ws://x", "--out", "suites/a/b.yaml"}), 1);
  EXPECT_EQ(Call({"record", "--upstream", "http://x", "--out", "b.txt"}), 1);
  EXPECT_EQ(
      Call({"record", "--upstream", "http://x", "--out", "suites/a/b.yaml", "--listen", "x:y"}), 1);
}

TEST(Completion, EveryCommandAndOptionIsInEveryScript) {
  const auto commands = DescribeCommands();
  for (const char* shell : {"bash", "zsh", "fish"}) {
    const std::string script = CompletionScript(shell, commands).value();
    for (const CommandDescription& command : commands) {
      EXPECT_THAT(script, HasSubstr(command.name)) << shell;
      for (const OptionDescription& option : command.options) {
        for (const std::string& name : option.names)
          EXPECT_THAT(script, HasSubstr(name.substr(name.find_first_not_of('-')))) << shell;
      }
    }
    EXPECT_THAT(script, HasSubstr("postman")) << shell;
  }
  EXPECT_FALSE(CompletionScript("tcsh", commands));
}

TEST(Completion, TheManualAndTheReferenceNameEveryOption) {
  const auto commands = DescribeCommands();
  const std::string page = CommandReference(commands);
  for (const CommandDescription& command : commands) {
    EXPECT_FALSE(command.doc.empty()) << command.name;
    for (const OptionDescription& option : command.options) {
      EXPECT_FALSE(option.doc.empty()) << command.name << " " << option.names.front();
      EXPECT_THAT(page, HasSubstr("`" + option.names.front()));
    }
  }
  EXPECT_THAT(ManualPage(commands, "1.2.3"), HasSubstr(".SH EXIT STATUS"));
}

}  // namespace
}  // namespace assay::cli
