// init: a project to begin with.

#include <algorithm>

#include <fmt/format.h>

#include "assay/cli/onboard/draft_files.h"
#include "assay/cli/onboard/onboard_commands.h"
#include "assay/cli/project.h"
#include "assay/importing/yaml.h"
#include "lib/http/uri.h"

namespace assay::cli {
namespace {

namespace fs = std::filesystem;
using Files = std::vector<std::pair<std::string, std::string>>;

constexpr std::string_view kEnvironmentOfUrl = R"yaml(environments:
  # A system that runs already. `assay run --url URL` reaches another one.
  local:
    type: remote
    endpoints:
      api: {url}
    # credentials:                        # secrets: ${{{{ environment.credentials.token }}}}, never shown
    #   token: {{ variable: API_TOKEN }}
)yaml";

constexpr std::string_view kEnvironmentOfExample = R"yaml(environments:
  # Assay starts the program on a free port, waits for the probe, and ends it. For a system that runs already:
  # `type: remote` and only `endpoints`.
  local:
    type: process
    services:
      example:
        command: [python3, example/server.py, "${{ port }}"]
        cwd: .
        ports: [http]
        probes: [{ http: /health, within: 10s }]
    endpoints:
      api: "http://127.0.0.1:${{ services.example.port }}"
)yaml";

constexpr std::string_view kProject =
    R"yaml(# The project: which suites there are, and where they run. `assay check` finds mistakes, `assay run` runs it.
name: {name}
suites: [suites/*]
requirements: [suites/*/requirements.yaml]
environment: local

{environment})yaml";

constexpr std::string_view kScenarioOfUrl =
    R"yaml(# One scenario: what is done, and what must hold. All keys: `assay schema --reference`.
id: FIRST
title: The system answers
verifies: [R-1]
steps:
  - name: ask for the start page
    http: GET {path}
    expect: # over status, headers, body, text, duration, ...
      - status < 400
      - duration < duration("5s")
)yaml";

constexpr std::string_view kScenarioOfExample =
    R"yaml(# One scenario: what is done, and what must hold. All keys: `assay schema --reference`.
id: FIRST
title: A stored note is read back
verifies: [R-1]
vars: { text: "Call ${{ fake.name() }}" } # the same seed gives the same name
steps:
  - name: store a note
    http: POST /notes
    json: { text: "${{ vars.text }}" }
    expect: # over status, headers, body, text, duration, ...
      - status == 201
      - body.text == vars.text
    save: { note_id: body.id } # for later steps
  - name: read it
    http: GET /notes/${{ vars.note_id }}
    expect:
      - status == 200
      - body.text == vars.text
)yaml";

constexpr std::string_view kRequirements =
    R"yaml(# What the system must do. Scenarios name the ids that they verify; `assay trace` shows what is proved by what.
system: {name}
prefix: R
requirements:
  - id: R-1
    text: {text}
    kind: functional
    risk: medium
)yaml";

constexpr std::string_view kServer =
    R"py("""A notes service to try Assay on: POST /notes, GET /notes/ID, GET /health. Replace it by your system."""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

NOTES = {}


class Notes(BaseHTTPRequestHandler):
    def answer(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        if self.path == "/health":
            return self.answer(200, {"status": "ok"})
        note = NOTES.get(self.path.removeprefix("/notes/"))
        return self.answer(200, note) if note else self.answer(404, {"error": "not_found"})

    def do_POST(self):
        note = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        note["id"] = str(len(NOTES) + 1)
        NOTES[note["id"]] = note
        return self.answer(201, note)

    def log_message(self, *_):
        pass


ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Notes).serve_forever()
)py";

base::Result<Files> MakeFiles(const std::string& name, const std::string& url) {
  const std::string quoted = importing::QuoteScalar(name, false);
  const auto file = [](const std::string& path, const std::string& text) {
    return std::pair(path, text);
  };
  if (url.empty()) {
    return Files{
        file("assay.yaml", fmt::format(fmt::runtime(kProject), fmt::arg("name", quoted),
                                       fmt::arg("environment", kEnvironmentOfExample))),
        file("example/server.py", std::string(kServer)),
        file("suites/first/first.yaml", std::string(kScenarioOfExample)),
        file("suites/first/requirements.yaml",
             fmt::format(fmt::runtime(kRequirements), fmt::arg("name", quoted),
                         fmt::arg("text", "A note that was stored is read back unchanged.")))};
  }
  TRY(const http::Url parsed, http::ParseUrl(url));
  const std::string origin = fmt::format("{}://{}", parsed.scheme, parsed.Authority());
  const std::string environment = fmt::format(
      fmt::runtime(kEnvironmentOfUrl), fmt::arg("url", importing::QuoteScalar(origin, false)));
  const std::string scenario =
      fmt::format(fmt::runtime(kScenarioOfUrl), fmt::arg("path", parsed.Target()));
  return Files{file("assay.yaml", fmt::format(fmt::runtime(kProject), fmt::arg("name", quoted),
                                              fmt::arg("environment", environment))),
               file("suites/first/first.yaml", scenario),
               file("suites/first/requirements.yaml",
                    fmt::format(fmt::runtime(kRequirements), fmt::arg("name", quoted),
                                fmt::arg("text", "The system answers.")))};
}

}  // namespace

ExitCode InitCommand(const Invocation& invocation, const Host& host) {
  const auto refuse = [&](const base::Error& error, ExitCode code) {
    PrintError(error, host, invocation.no_color);
    return code;
  };
  fs::path root =
      (host.directory / (invocation.out.empty() ? "." : invocation.out)).lexically_normal();
  if (root.filename().empty()) root = root.parent_path();
  const std::string url = invocation.urls.empty() ? std::string() : invocation.urls.front().second;
  const auto files =
      MakeFiles(invocation.name.empty() ? root.filename().string() : invocation.name, url);
  if (!files) return refuse(files.error(), ExitCode::kUsage);
  if (const auto written = WriteFiles(root, *files, false); !written) {
    base::Error error = written.error();
    if (error.code != base::ErrorCode::kConflict) return refuse(error, ExitCode::kError);
    error.hint = "init only begins new projects: name another folder";
    return refuse(error, ExitCode::kUsage);
  }
  for (const auto& [path, text] : *files) host.out(fmt::format("wrote {}\n", path));
  host.out("\nnext:\n");
  if (root != host.directory.lexically_normal())
    host.out(fmt::format("  cd {}\n", root.lexically_relative(host.directory).string()));
  host.out(
      "  assay check          finds mistakes in the files\n"
      "  assay run            runs the scenario\n"
      "  assay import --help  makes scenarios from OpenAPI, Postman, HAR or curl\n"
      "  assay record --help  makes one from real traffic\n");
  return ExitCode::kPassed;
}

}  // namespace assay::cli
