#include "assay/importing/source/har.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <map>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "assay/importing/multipart_text.h"
#include "assay/importing/scenario_writer.h"
#include "assay/importing/slot.h"
#include "assay/importing/source/json_reader.h"
#include "lib/base/utf8.h"
#include "lib/crypto/base64.h"
#include "lib/http/media.h"
#include "lib/json/parse.h"

namespace assay::importing {
namespace {

using base::ErrorCode;

bool IsStaticType(std::string_view content_type) {
  const auto media = http::ParseMediaType(content_type);
  if (!media) return false;
  if (media->type == "image" || media->type == "font" || media->type == "audio" ||
      media->type == "video")
    return true;
  constexpr std::array<std::string_view, 6> kTypes = {
      "text/css",         "text/javascript",          "application/javascript",
      "application/wasm", "application/x-javascript", "application/manifest+json"};
  return std::ranges::find(kTypes, media->Essence()) != kTypes.end();
}

bool IsStaticPath(std::string_view path) {
  constexpr std::array<std::string_view, 17> kEndings = {
      ".js",  ".mjs",  ".css",   ".png", ".jpg",  ".jpeg", ".gif", ".svg",        ".ico",
      ".map", ".woff", ".woff2", ".ttf", ".webp", ".avif", ".mp4", ".webmanifest"};
  return std::ranges::any_of(kEndings,
                             [&](std::string_view ending) { return path.ends_with(ending); });
}

/// What browsers call the reason of a request, in the member that Chromium and WebKit add.
bool IsStaticResource(std::string_view type) {
  constexpr std::array<std::string_view, 9> kTypes = {"stylesheet", "image",     "font",
                                                      "script",     "media",     "manifest",
                                                      "ping",       "preflight", "texttrack"};
  return std::ranges::find(kTypes, type) != kTypes.end();
}

class HarReader {
 public:
  explicit HarReader(Draft& draft) : draft_(draft) {}

  base::Result<std::vector<Exchange>> Read(const boost::json::value& root) {
    const auto* log = Member(root, "log");
    const auto* entries = Member(log, "entries");
    if (entries == nullptr || !entries->is_array()) {
      return base::Fail(
          base::Error{.code = ErrorCode::kInvalid,
                      .message = "this is no HAR: expected an object with log.entries",
                      .hint = "browsers save one in the network panel: \"Save all as HAR\""});
    }
    std::vector<Exchange> out;
    size_t number = 0;
    for (const auto& entry : entries->get_array()) {
      place_ = fmt::format("entry {}", ++number);
      TRY(auto exchange, ReadEntry(entry));
      if (exchange) out.push_back(*std::move(exchange));
    }
    if (left_out_ > 0) {
      draft_.notes.push_back(
          {"log.entries",
           fmt::format("requests of static files and preflights that are left out: {}",
                       left_out_)});
    }
    return out;
  }

 private:
  void Note(std::string text) { draft_.notes.push_back({place_, std::move(text)}); }

  base::Result<std::optional<Exchange>> ReadEntry(const boost::json::value& entry) {
    const auto* request = Member(entry, "request");
    const std::string method = TextOf(Member(request, "method"));
    const std::string address = TextOf(Member(request, "url"));
    if (method.empty() || address.empty()) {
      return base::Fail(ErrorCode::kInvalid,
                        fmt::format("{}: expected request.method and request.url, found {}", place_,
                                    request == nullptr ? "no request" : "others"));
    }
    if (address.starts_with("data:") || address.starts_with("blob:") ||
        address.starts_with("chrome-extension:")) {
      ++left_out_;
      return std::nullopt;
    }
    const auto url = http::ParseUrl(address);
    if (!url) {
      Note(fmt::format("{} is left out: {}", method, url.error().message));
      return std::nullopt;
    }
    if (url->scheme == "ws" || url->scheme == "wss") {
      Note(fmt::format("the WebSocket {} is left out; write a `websocket` step", url->path));
      return std::nullopt;
    }
    const auto* response = Member(entry, "response");
    const std::string type = TextOf(Member(Member(response, "content"), "mimeType"));
    if (method == "OPTIONS" || IsStaticType(type) || IsStaticPath(url->path) ||
        IsStaticResource(TextOf(entry, "_resourceType"))) {
      ++left_out_;
      return std::nullopt;
    }
    Exchange out;
    out.place = fmt::format("{} ({} {})", place_, method, url->path);
    out.method = method;
    out.origin = fmt::format("{}://{}", url->scheme, url->Authority());
    out.path = CleanText(url->path);
    ReadQuery(*url, out);
    if (!url->user.empty()) {
      out.auth =
          Credentials{"basic",
                      {{"user", http::PercentDecode(url->user).value_or(url->user)},
                       {"password", http::PercentDecode(url->password).value_or(url->password)}}};
    }
    ReadHeaders(*request, out);
    ReadPost(*request, out);
    ReadAnswer(response, out);
    return out;
  }

  static void ReadQuery(const http::Url& url, Exchange& out) {
    if (url.query.empty()) return;
    const auto query = http::ParseQuery(url.query);
    const bool readable = query && std::ranges::all_of(*query, [](const auto& one) {
                            return base::IsUtf8(one.name + one.value);
                          });
    if (!readable) {
      out.path += "?" + CleanText(url.query);
      return;
    }
    for (const auto& [name, value] : *query)
      out.query.push_back({CleanText(name), CleanText(value)});
  }

  static void ReadHeaders(const boost::json::value& request, Exchange& out) {
    for (const auto& field : ListOf(request, "headers")) {
      const std::string name = TextOf(field, "name");
      const std::string value = TextOf(field, "value");
      if (http::IsFieldName(name) && http::IsFieldValue(value)) out.headers.Add(name, value);
    }
    // Some writers keep cookies only in the list of their own.
    if (out.headers.Has("Cookie")) return;
    std::string cookies;
    for (const auto& cookie : ListOf(request, "cookies")) {
      cookies += fmt::format("{}{}={}", cookies.empty() ? "" : "; ", TextOf(cookie, "name"),
                             TextOf(cookie, "value"));
    }
    if (!cookies.empty()) out.headers.Add("Cookie", cookies);
  }

  void ReadPost(const boost::json::value& request, Exchange& out) {
    const auto* post = Member(request, "postData");
    if (post == nullptr) return;
    const std::string type = TextOf(*post, "mimeType");
    if (!type.empty() && !out.headers.Has("Content-Type")) out.headers.Set("Content-Type", type);
    std::string text = TextOf(*post, "text");
    const auto media = http::ParseMediaType(type);
    if (media && media->Essence() == "multipart/form-data") {
      out.content = ReadParts(*post, type, text);
      return;
    }
    if (text.empty() && !ListOf(*post, "params").empty()) {
      Pairs form;
      for (const auto& one : ListOf(*post, "params"))
        form.emplace_back(TextOf(one, "name"), TextOf(one, "value"));
      out.content = std::move(form);
      return;
    }
    if (text.empty() && !TextOf(request, "bodySize").empty() &&
        TextOf(request, "bodySize") != "0" && TextOf(request, "bodySize") != "-1") {
      Note("the recording does not hold the body of the request; add it to the step");
    }
    out.content = std::move(text);
  }

  std::vector<Part> ReadParts(const boost::json::value& post, const std::string& type,
                              const std::string& text) {
    std::vector<Part> parts;
    if (auto parsed = ParseMultipart(type, text); parsed && !parsed->empty()) {
      parts = *std::move(parsed);
    } else {
      for (const auto& one : ListOf(post, "params")) {
        parts.push_back({.name = TextOf(one, "name"),
                         .text = TextOf(one, "value"),
                         .filename = TextOf(one, "fileName"),
                         .content_type = TextOf(one, "contentType")});
      }
    }
    for (const Part& part : parts) {
      if (!part.filename.empty() && part.text.empty()) {
        Note(fmt::format(
            "the recording does not hold the file \"{}\"; write `file: path` in the step",
            part.filename));
      }
    }
    return parts;
  }

  void ReadAnswer(const boost::json::value* response, Exchange& out) {
    int64_t status = 0;
    if (const auto* number = Member(response, "status"); number != nullptr && number->is_int64())
      status = number->get_int64();
    if (status <= 0) {
      Note("the request was not answered; the step expects a status below 400");
      return;
    }
    Answer answer{.status = static_cast<int>(std::min<int64_t>(status, 999))};
    for (const auto& field : ListOf(Member(response, "headers"))) {
      // Chromium joins repeated Set-Cookie fields by a line end.
      const std::string value = TextOf(field, "value");
      for (size_t start = 0; start <= value.size();) {
        const size_t end = std::min(value.find('\n', start), value.size());
        answer.headers.Add(TextOf(field, "name"), value.substr(start, end - start));
        start = end + 1;
      }
    }
    const auto* content = Member(response, "content");
    answer.body = TextOf(Member(content, "text"));
    if (TextOf(Member(content, "encoding")) == "base64") {
      answer.body = crypto::ParseBase64(answer.body).value_or("");
    }
    out.answer = std::move(answer);
  }

  Draft& draft_;
  std::string place_;
  size_t left_out_ = 0;
};

/// The origin of most requests comes first: it becomes the default endpoint.
std::string MainOrigin(const std::vector<Exchange>& exchanges) {
  std::map<std::string, size_t> counts;
  for (const Exchange& one : exchanges) ++counts[one.origin];
  const auto most =
      std::ranges::max_element(counts, {}, [](const auto& one) { return one.second; });
  return most == counts.end() ? std::string() : most->first;
}

}  // namespace

base::Result<Draft> ImportHar(std::string_view text, const ImportOptions& options) {
  TRY(const boost::json::value root, json::Parse(text));
  Draft draft;
  draft.name = options.name;
  HarReader reader(draft);
  TRY(std::vector<Exchange> exchanges, reader.Read(root));
  if (exchanges.empty()) {
    return base::Fail(
        base::Error{.code = ErrorCode::kInvalid,
                    .message = "the recording holds no call of an API",
                    .hint = "record with the network panel open while the page calls its API"});
  }
  const std::string main = MainOrigin(exchanges);
  draft.endpoints.push_back({"api", main});
  ScenarioWriter writer(draft);
  Outline outline;
  outline.file = ToSlug(options.name);
  outline.id = ScenarioId(options.name, "recorded");
  outline.title = fmt::format("Recorded calls of {}", main);
  outline.exchanges = std::move(exchanges);
  writer.Write(std::move(outline));
  if (!options.url.empty()) draft.endpoints.front().url = options.url;
  return draft;
}

}  // namespace assay::importing
