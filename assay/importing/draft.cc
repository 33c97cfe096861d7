#include "assay/importing/draft.h"

#include <cctype>

#include "assay/importing/slot.h"

namespace assay::importing {
namespace {

Yaml EndpointMap(const Draft& draft) {
  Yaml endpoints = Yaml::Map();
  endpoints.Tall();
  for (const EndpointDraft& one : draft.endpoints) endpoints.Add(one.name, Yaml::Text(one.url));
  return endpoints;
}

Yaml CredentialMap(const Draft& draft) {
  Yaml credentials = Yaml::Map();
  credentials.Tall();
  for (const CredentialDraft& one : draft.credentials) {
    credentials.Add(one.name, Yaml::Map({{"variable", Yaml::Text(one.variable)}}));
  }
  return credentials;
}

}  // namespace

std::string ToSlug(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80 && std::isalnum(byte) != 0) {
      out += static_cast<char>(std::tolower(byte));
    } else if (!out.empty() && out.back() != '-') {
      out += '-';
    }
    if (out.size() >= 60) break;
  }
  while (out.ends_with('-')) out.pop_back();
  return out.empty() ? "x" : out;
}

std::string EnvironmentLines(const Draft& draft) {
  Yaml map = Yaml::Map();
  if (!draft.credentials.empty()) map.Add("credentials", CredentialMap(draft));
  if (!draft.endpoints.empty()) map.Add("endpoints", EndpointMap(draft));
  return map.empty() ? std::string() : map.ToString();
}

std::string ProjectFile(const Draft& draft, const std::string& suites) {
  Yaml environment = Yaml::Map();
  environment.Add("type", Yaml::Text("remote"));
  if (!draft.credentials.empty()) {
    Yaml credentials = CredentialMap(draft);
    credentials.Comment("Secrets are read from these variables and never written.");
    environment.Add("credentials", std::move(credentials));
  }
  if (!draft.endpoints.empty()) {
    Yaml endpoints = EndpointMap(draft);
    endpoints.Comment("`assay run --url URL` replaces the first one for a run.");
    environment.Add("endpoints", std::move(endpoints));
  }
  Yaml project = Yaml::Map();
  project.Add("name", Yaml::Text(draft.name));
  project.Add("suites", Yaml::List({Yaml::Text(suites)}));
  project.Add("environment", Yaml::Text("local"));
  if (!draft.redact.empty()) {
    Yaml keys = Yaml::List();
    for (const std::string& key : draft.redact) keys.Add(Yaml::Text(key));
    Yaml redact = Yaml::Map({{"redact", Yaml::Map({{"keys", std::move(keys)}})}});
    redact.Comment("Values of these members and headers appear in no report.");
    project.Add("defaults", std::move(redact));
  }
  project.Add("environments", Yaml::Map({{"local", std::move(environment)}}));
  return project.ToString();
}

}  // namespace assay::importing
