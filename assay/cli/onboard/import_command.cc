// import: scenarios from OpenAPI, Postman, HAR and curl.

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>

#include <fmt/format.h>
#include <unistd.h>

#include "assay/cli/onboard/draft_files.h"
#include "assay/cli/onboard/onboard_commands.h"
#include "assay/cli/project.h"
#include "assay/importing/importer.h"

namespace assay::cli {
namespace {

namespace fs = std::filesystem;
using base::ErrorCode;
using importing::Format;

/// Recordings of browsers with bodies are tens of megabytes.
constexpr size_t kMaxBytes = size_t{256} << 20;

base::Result<std::string> ReadInput(const std::string& name, const Host& host) {
  std::string text;
  if (name == "-") {
    std::array<char, 65536> piece;
    while (text.size() <= kMaxBytes) {
      const ssize_t got = ::read(host.input, piece.data(), piece.size());
      if (got < 0) return base::Fail(ErrorCode::kIo, "standard input cannot be read");
      if (got == 0) return text;
      text.append(piece.data(), static_cast<size_t>(got));
    }
    return base::Fail(ErrorCode::kTooLarge, "standard input holds more than 256 MiB");
  }
  const fs::path path = host.directory / name;
  std::error_code error;
  const auto size = fs::file_size(path, error);
  if (error || !fs::is_regular_file(path, error)) {
    return base::Fail(ErrorCode::kNotFound, fmt::format("there is no file \"{}\"", name));
  }
  if (size > kMaxBytes)
    return base::Fail(ErrorCode::kTooLarge, fmt::format("\"{}\" holds more than 256 MiB", name));
  std::ifstream stream(path, std::ios::binary);
  text.assign(std::istreambuf_iterator<char>(stream), {});
  if (!stream && !stream.eof())
    return base::Fail(ErrorCode::kIo, fmt::format("\"{}\" cannot be read", name));
  return text;
}

std::optional<Format> FormatOf(std::string_view name) {
  for (const Format format : {Format::kOpenApi, Format::kPostman, Format::kHar, Format::kCurl}) {
    if (ToString(format) == name) return format;
  }
  return std::nullopt;
}

/// `api.openapi.yaml` -> api
std::string NameOf(const std::string& file, std::string_view format) {
  if (file == "-") return std::string(format);
  std::string name = fs::path(file).filename().string();
  name = name.substr(0, name.find('.'));
  return name.empty() ? std::string(format) : name;
}

}  // namespace

ExitCode ImportCommand(const Invocation& invocation, const Host& host) {
  const auto refuse = [&](const base::Error& error, ExitCode code) {
    PrintError(error, host, invocation.no_color);
    return code;
  };
  const auto format = FormatOf(invocation.format);
  if (!format)
    return refuse({ErrorCode::kInvalid, fmt::format("unknown format \"{}\"", invocation.format)},
                  ExitCode::kUsage);
  auto text = ReadInput(invocation.input_file, host);
  if (!text) return refuse(text.error(), ExitCode::kUsage);
  importing::ImportOptions options{
      .name = importing::ToSlug(invocation.name.empty()
                                    ? NameOf(invocation.input_file, invocation.format)
                                    : invocation.name),
      .url = invocation.urls.empty() ? std::string() : invocation.urls.front().second,
      .grouping =
          invocation.each_operation ? importing::Grouping::kOperation : importing::Grouping::kTag};
  const auto source = std::make_shared<const base::SourceText>(
      invocation.input_file == "-" ? "standard input" : invocation.input_file, *std::move(text));
  auto draft = importing::Import(*format, source, options);
  if (!draft) {
    base::Error error = draft.error();
    if (!error.span.known()) error.message = fmt::format("{}: {}", source->name(), error.message);
    return refuse(error, ExitCode::kFiles);
  }
  DraftPlace place =
      PlaceOf(host.directory / (invocation.project.empty() ? "." : invocation.project));
  place.folder = "suites/" + options.name;
  return Deliver(*draft, place, invocation, host);
}

}  // namespace assay::cli
