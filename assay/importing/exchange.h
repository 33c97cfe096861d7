#pragma once
// What every source of an import gives: requests, with their answers where these are known.
//
//   HAR, curl, Postman, OpenAPI, recorder --> Exchange list --(scenario_writer)--> Draft --> files
//
// Texts may hold slots (slot.h).

#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "assay/importing/yaml.h"
#include "lib/http/headers.h"
#include "lib/http/uri.h"

namespace assay::importing {

using Pairs = std::vector<std::pair<std::string, std::string>>;

/// Part of a multipart body: its text, or a file that exists where the scenario runs.
struct Part {
  std::string name;
  std::string text;
  std::string file;  ///< a path as seen from the scenario; "" for text
  std::string filename;
  std::string content_type;
};

/// A file beside the scenario that is sent as it is.
struct FileContent {
  std::string path;
};

/// None, text as it is sent, fields of a form, parts, or a file.
using Content = std::variant<std::monostate, std::string, Pairs, std::vector<Part>, FileContent>;

struct Answer {
  int status = 0;
  http::Headers headers;
  std::string body;  ///< decoded; "" when it is unknown
};

/// `kind` is the key of `auth`: basic, digest, bearer, api_key, sigv4. `fields` are its members;
/// for bearer the one field `token`.
struct Credentials {
  std::string kind;
  Pairs fields;
};

struct Exchange {
  std::string place;  ///< for notes: `entry 4`, `line 12`
  std::string name;   ///< of the step; "": method and path
  std::string method = "GET";
  std::string origin;      ///< `https://api.example.org`; "": the default endpoint
  std::string path = "/";  ///< still percent-encoded
  std::vector<http::QueryParam> query;
  http::Headers headers;
  Content content;
  std::optional<Credentials> auth;
  Pairs secrets;  ///< further secret values of the request: value, name of its credential
  std::vector<Yaml::Entry> options;  ///< further keys of the step: follow, tls, timeout, ...
  std::vector<std::string> expect;   ///< CEL; with none, and no answer: `status < 400`
  Pairs save;                        ///< name, CEL
  std::vector<std::string> comments;
  std::optional<Answer> answer;
};

}  // namespace assay::importing
