#include "assay/environment/kubernetes/manifests.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>

#include <fmt/format.h>

namespace assay::environment {

namespace {

namespace fs = std::filesystem;

bool IsManifest(const fs::path& file) {
  static constexpr std::array kEndings = {".yaml", ".yml", ".json"};
  return std::ranges::find(kEndings, file.extension().string()) != kEndings.end();
}

base::Result<std::vector<fs::path>> FilesIn(const fs::path& folder) {
  for (const char* name : {"kustomization.yaml", "kustomization.yml", "Kustomization"}) {
    if (!fs::exists(folder / name)) continue;
    return base::Fail(
        base::Error{.code = base::ErrorCode::kUnsupported,
                    .message = fmt::format("the folder {} is a kustomization", folder.string()),
                    .hint = "write what `kubectl kustomize` makes of it to a file, and name that"});
  }
  std::vector<fs::path> files;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, error)) {
    if (entry.is_regular_file() && IsManifest(entry.path())) files.push_back(entry.path());
  }
  std::ranges::sort(files);
  if (!files.empty()) return files;
  return base::Fail(
      base::ErrorCode::kNotFound,
      fmt::format("the folder {} holds no manifest (.yaml, .yml, .json)", folder.string()));
}

base::Result<std::string> ReadFile(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(stream), {}};
  if (stream.is_open() && !stream.bad()) return text;
  return base::Fail(base::ErrorCode::kIo, fmt::format("cannot read {}", file.string()));
}

}  // namespace

std::string FillManifest(std::string_view text, const ManifestVariables& variables) {
  std::string out;
  while (!text.empty()) {
    const size_t start = text.find("${");
    const size_t end = start == std::string_view::npos ? start : text.find('}', start);
    if (end == std::string_view::npos) break;
    const std::string_view name = text.substr(start + 2, end - start - 2);
    const auto found = std::ranges::find(
        variables, name, [](const auto& one) { return std::string_view(one.first); });
    const bool is_escaped = start > 0 && text[start - 1] == '$';
    if (found == variables.end()) {
      // The end may belong to a name that begins later: `${a${NAME}`.
      out += text.substr(0, start + 2);
      text.remove_prefix(start + 2);
      continue;
    }
    out += text.substr(0, is_escaped ? start - 1 : start);
    out += is_escaped ? std::string(text.substr(start, end + 1 - start)) : found->second;
    text.remove_prefix(end + 1);
  }
  return out += text;
}

base::Result<std::vector<Manifest>> ReadManifests(const std::vector<std::string>& paths,
                                                  const ManifestVariables& variables) {
  std::vector<Manifest> manifests;
  for (const std::string& path : paths) {
    std::vector<fs::path> files{path};
    if (!fs::exists(path)) {
      return base::Fail(base::ErrorCode::kNotFound, fmt::format("there is no manifest {}", path));
    }
    if (fs::is_directory(path)) {
      TRY(files, FilesIn(path));
    }
    for (const fs::path& file : files) {
      TRY(const std::string text, ReadFile(file));
      manifests.push_back({file.string(), FillManifest(text, variables)});
    }
  }
  return manifests;
}

}  // namespace assay::environment
