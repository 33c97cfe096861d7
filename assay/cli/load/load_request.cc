#include "assay/cli/load/load_request.h"

#include <algorithm>
#include <charconv>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <fmt/format.h>

#include "lib/base/units.h"

namespace assay::cli {
namespace {

using base::ErrorCode;

// A JSON text is a YAML text. What looks like an expression is none.
std::string Quoted(std::string_view text) {
  std::string literal;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text.substr(i).starts_with("${{")) literal += '$';
    literal += text[i];
  }
  return boost::json::serialize(boost::json::value(literal));
}

// An expression is taken as it is.
std::string Bare(std::string_view expression) {
  return boost::json::serialize(boost::json::value(expression));
}

base::Result<std::string> Duration(std::string_view flag, const std::string& text) {
  const auto read = base::ParseDuration(text);
  if (!read) {
    return base::Fail(ErrorCode::kInvalid, fmt::format("{}: {}", flag, read.error().message));
  }
  return base::FormatDuration(*read);
}

base::Result<std::string> Stages(const LoadRequest& request) {
  std::string list;
  for (const std::string& stage : request.stages) {
    const size_t colon = stage.find(':');
    double target = -1;
    const char* const end = stage.data() + stage.size();
    if (colon != std::string::npos) {
      const auto read = std::from_chars(stage.data() + colon + 1, end, target);
      if (read.ec != std::errc{} || read.ptr != end) target = -1;
    }
    if (target < 0) {
      return base::Fail(
          ErrorCode::kInvalid,
          fmt::format("--stage \"{}\": expected DURATION:TARGET such as 30s:100", stage));
    }
    TRY(const std::string span, Duration("--stage", stage.substr(0, colon)));
    list += fmt::format("        - {{ duration: {}, target: {} }}\n", span, target);
  }
  return list;
}

base::Result<std::string> Executor(const LoadRequest& request) {
  const auto users = request.connections;
  if (request.requests && (request.rate || !request.stages.empty())) {
    return base::Fail(ErrorCode::kInvalid, "--requests does not go with --rate or --stage");
  }
  TRY(const std::string span, Duration("--duration", request.duration));
  TRY(const std::string stages, Stages(request));
  if (request.requests) {
    return fmt::format(
        "      executor: shared-iterations\n      vus: {}\n      iterations: {}\n"
        "      max_duration: 1d\n",
        std::min(users, *request.requests), *request.requests);
  }
  if (request.rate && !stages.empty()) {
    return fmt::format(
        "      executor: ramping-arrival-rate\n      start_rate: {}\n      pre_allocated_vus: {}\n"
        "      stages:\n{}",
        *request.rate, users, stages);
  }
  if (request.rate) {
    return fmt::format(
        "      executor: constant-arrival-rate\n      rate: {}\n      duration: {}\n"
        "      pre_allocated_vus: {}\n",
        *request.rate, span, users);
  }
  if (!stages.empty()) {
    return fmt::format("      executor: ramping-vus\n      start_vus: {}\n      stages:\n{}", users,
                       stages);
  }
  return fmt::format("      executor: constant-vus\n      vus: {}\n      duration: {}\n", users,
                     span);
}

base::Result<std::string> Step(const LoadRequest& request) {
  const bool has_body = !request.body.empty() || !request.body_file.empty();
  const std::string method = request.method.empty() ? (has_body ? "POST" : "GET") : request.method;
  std::string out = fmt::format("            - http: {}\n", Quoted(method + " " + request.url));
  TRY(const std::string timeout, Duration("--timeout", request.timeout));
  out += fmt::format("              timeout: {}\n", timeout);
  if (request.url.starts_with("https://")) out += "              version: \"1.1\"\n";
  if (request.insecure) out += "              tls: { insecure: true }\n";
  if (!request.headers.empty()) {
    boost::json::object fields;
    for (const std::string& header : request.headers) {
      const size_t colon = header.find(':');
      if (colon == std::string::npos || colon == 0) {
        return base::Fail(ErrorCode::kInvalid,
                          fmt::format("--header \"{}\": expected \"Name: value\"", header));
      }
      const size_t from = std::min(header.find_first_not_of(' ', colon + 1), header.size());
      fields[header.substr(0, colon)] = header.substr(from);
    }
    out += "              headers:\n";
    for (const auto& [name, value] : fields) {
      out += fmt::format("                {}: {}\n", Quoted(name),
                         Quoted(std::string_view(value.as_string())));
    }
  }
  if (!request.body.empty()) out += fmt::format("              body: {}\n", Quoted(request.body));
  if (!request.body_file.empty()) {
    out += fmt::format("              file: {}\n", Quoted(request.body_file));
  }
  out += "              expect:\n";
  const std::vector<std::string> fallback = {"status < 400"};
  for (const std::string& expression : request.expect.empty() ? fallback : request.expect) {
    out += fmt::format("                - {}\n", Bare(expression));
  }
  return out;
}

}  // namespace

void DeclareLoad(CLI::App& app, LoadRequest& to) {
  app.add_option("url", to.url, "where the requests go")->required();
  app.add_option("-c,--connections", to.connections, "users, each with a connection")
      ->check(CLI::Range(1, 100'000));
  app.add_option("-d,--duration", to.duration, "how long requests are begun (10s)");
  app.add_option("-n,--requests", to.requests, "so many requests instead of a duration")
      ->check(CLI::PositiveNumber);
  app.add_option("-r,--rate", to.rate,
                 "requests a second by schedule, whether the server keeps up or not")
      ->check(CLI::PositiveNumber);
  app.add_option("--stage", to.stages, "DURATION:TARGET: goes to that rate or number of users")
      ->delimiter(',');
  app.add_option("-X,--method", to.method, "GET, or POST with a body");
  app.add_option("-H,--header", to.headers, "\"Name: value\"; again for more");
  app.add_option("-b,--body", to.body, "body of every request");
  app.add_option("--body-file", to.body_file, "body of every request from a file");
  app.add_option("--timeout", to.timeout, "limit of one request (30s)");
  app.add_option("--think", to.think, "pause of a user after each request");
  app.add_option("--expect", to.expect, "what an answer must meet (status < 400); again for more");
  app.add_option("--threshold", to.thresholds,
                 "what the figures must meet: \"latency.p99 < duration('50ms')\"");
  app.add_option("--abort-on", to.abort_on, "ends early when the figures so far meet this");
  app.add_option("--max-lag", to.max_lag, "how late the generator itself may be (25ms)");
  app.add_flag("--insecure,-k", to.insecure, "takes any certificate");
  app.add_flag("--steps", to.steps_engine, "carries requests out as steps, not at wire speed");
  app.add_flag("--print", to.print, "prints the scenario that these flags stand for, and ends");
}

base::Result<std::string> ScenarioOf(const LoadRequest& request) {
  if (!request.url.starts_with("http://") && !request.url.starts_with("https://")) {
    return base::Fail(ErrorCode::kInvalid,
                      fmt::format("\"{}\" is no URL; expected http:// or https://", request.url));
  }
  if (!request.body.empty() && !request.body_file.empty()) {
    return base::Fail(ErrorCode::kInvalid, "--body does not go with --body-file");
  }
  TRY(const std::string executor, Executor(request));
  TRY(const std::string step, Step(request));
  std::string out =
      fmt::format("id: LOAD\ntitle: {}\ntimeout: 30d\nsteps:\n  - id: load\n    workload:\n{}",
                  Quoted(request.url), executor);
  if (!request.think.empty()) {
    TRY(const std::string think, Duration("--think", request.think));
    out += fmt::format("      think: {}\n", think);
  }
  if (!request.max_lag.empty()) {
    TRY(const std::string lag, Duration("--max-lag", request.max_lag));
    out += fmt::format("      max_lag: {}\n", lag);
  }
  if (request.steps_engine) out += "      engine: steps\n";
  out += "      tasks:\n        - name: request\n          steps:\n" + step;
  if (!request.thresholds.empty()) out += "      thresholds:\n";
  for (const std::string& threshold : request.thresholds) {
    out += fmt::format("        - {}\n", Bare(threshold));
  }
  if (!request.abort_on.empty()) out += "      abort_on:\n";
  for (const std::string& condition : request.abort_on) {
    out += fmt::format("        - {{ when: {} }}\n", Bare(condition));
  }
  return out;
}

}  // namespace assay::cli
