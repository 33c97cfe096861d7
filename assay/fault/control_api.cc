#include "assay/fault/control_api.h"

#include <set>
#include <utility>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "lib/json/parse.h"

namespace assay::fault {

namespace {

namespace js = boost::json;
using base::ErrorCode;
using http::Method;
using http::Request;
using http::Response;

int StatusOf(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalid:
      return 400;
    case ErrorCode::kNotFound:
      return 404;
    case ErrorCode::kConflict:
      return 409;
    default:
      return 500;
  }
}

js::object ErrorJson(const base::Error& error, int status) {
  js::object json = {{"error", error.message}, {"status", status}};
  if (!error.hint.empty()) json["hint"] = error.hint;
  return json;
}

Response Refusal(const base::Error& error) {
  const int status = StatusOf(error.code);
  return Response::Json(status, js::serialize(ErrorJson(error, status)));
}

template <typename T>
Response Answer(int status, const base::Result<T>& result) {
  if (!result) return Refusal(result.error());
  if constexpr (std::is_void_v<T>) {
    return Response::Empty(status);
  } else {
    return Response::Json(status, js::serialize(*result));
  }
}

base::Error MissingField(std::string_view field) {
  return {.code = ErrorCode::kInvalid, .message = fmt::format("missing required field: {}", field)};
}

base::Result<js::value> ParseBody(const Request& request) {
  auto json = json::Parse(request.body);
  if (json) return json;
  return base::Fail(ErrorCode::kInvalid, "bad request body: " + json.error().ToString());
}

base::Result<js::object> ParseObject(const Request& request) {
  TRY(const js::value json, ParseBody(request));
  if (json.is_object()) return json.get_object();
  return base::Fail(ErrorCode::kInvalid, "bad request body: it is no object");
}

base::Result<std::string> TextAt(const js::object& json, std::string_view key,
                                 std::string otherwise) {
  const js::value* value = json.if_contains(key);
  if (value == nullptr || value->is_null()) return otherwise;
  if (value->is_string()) return std::string(value->get_string());
  return base::Fail(ErrorCode::kInvalid,
                    fmt::format("bad request body: \"{}\" is not a text", key));
}

base::Result<bool> BoolAt(const js::object& json, std::string_view key, bool otherwise) {
  const js::value* value = json.if_contains(key);
  if (value == nullptr || value->is_null()) return otherwise;
  if (value->is_bool()) return value->get_bool();
  return base::Fail(ErrorCode::kInvalid,
                    fmt::format("bad request body: \"{}\" is not true or false", key));
}

base::Result<std::vector<ToxicSpec>> ToxicsAt(const js::object& json) {
  std::vector<ToxicSpec> toxics;
  const js::value* list = json.if_contains("toxics");
  if (list == nullptr || list->is_null()) return toxics;
  if (!list->is_array()) {
    return base::Fail(ErrorCode::kInvalid, "bad request body: \"toxics\" is not a list");
  }
  std::set<std::string> names;
  for (const js::value& one : list->get_array()) {
    if (!one.is_object()) {
      return base::Fail(ErrorCode::kInvalid, "bad request body: a toxic is not an object");
    }
    TRY(ToxicSpec toxic, ParseToxic(one.get_object()));
    if (!names.insert(toxic.name).second) {
      return base::Fail(ErrorCode::kConflict, "toxic already exists");
    }
    toxics.push_back(std::move(toxic));
  }
  return toxics;
}

/// `which` goes behind the name of a missing field.
base::Result<ProxySpec> ReadProxy(const js::object& json, const std::string& which) {
  ProxySpec spec;
  TRY(spec.name, TextAt(json, "name", ""));
  if (spec.name.empty()) return base::Fail(MissingField("name" + which));
  TRY(spec.upstream, TextAt(json, "upstream", ""));
  if (spec.upstream.empty()) return base::Fail(MissingField("upstream" + which));
  TRY(spec.listen, TextAt(json, "listen", ""));
  if (spec.listen.empty()) spec.listen = "127.0.0.1:0";
  TRY(spec.enabled, BoolAt(json, "enabled", true));
  TRY(spec.toxics, ToxicsAt(json));
  return spec;
}

js::array ToxicsJson(const Proxy& proxy) {
  js::array list;
  for (const Toxic* toxic : proxy.toxics()) list.push_back(ToJson(toxic->spec));
  return list;
}

js::object ToJson(const Proxy& proxy) {
  return {{"name", proxy.name()},
          {"listen", proxy.listen()},
          {"upstream", proxy.upstream()},
          {"enabled", proxy.is_enabled()},
          {"toxics", ToxicsJson(proxy)}};
}

js::object EffectsJson(const Proxy& proxy) {
  const Traffic& traffic = proxy.traffic();
  js::object toxics;
  for (const Toxic* toxic : proxy.toxics()) toxics[toxic->spec.name] = ToJson(toxic->effect);
  return {{"accepted", traffic.accepted},
          {"unreachable", traffic.unreachable},
          {"open", traffic.open},
          {"bytes_upstream", traffic.bytes_upstream.load()},
          {"bytes_downstream", traffic.bytes_downstream.load()},
          {"toxics", std::move(toxics)}};
}

/// The text format of Prometheus, with the names of Toxiproxy's own counters.
std::string MetricsText(const ProxySet& proxies) {
  std::string text =
      "# HELP toxiproxy_proxy_received_bytes_total Bytes received on a proxy.\n"
      "# TYPE toxiproxy_proxy_received_bytes_total counter\n";
  for (const Proxy* proxy : proxies.all()) {
    const Traffic& traffic = proxy->traffic();
    for (const auto& [direction, bytes] :
         {std::pair{"upstream", traffic.bytes_upstream.load()},
          std::pair{"downstream", traffic.bytes_downstream.load()}}) {
      text += fmt::format(
          "toxiproxy_proxy_received_bytes_total{{direction=\"{}\",listener=\"{}\",proxy=\"{}\","
          "upstream=\"{}\"}} {}\n",
          direction, proxy->listen(), proxy->name(), proxy->upstream(), bytes);
    }
  }
  return text;
}

/// The handlers.
class ControlApi {
 public:
  ControlApi(ProxySet& proxies, std::string version)
      : proxies_(proxies), version_(std::move(version)) {}

  net::Task<Response> ListProxies(Request&) const {
    js::object all;
    for (const Proxy* proxy : proxies_.all()) all[proxy->name()] = ToJson(*proxy);
    co_return Response::Json(200, js::serialize(all));
  }

  net::Task<Response> AddProxy(Request& request) const {
    const auto json = ParseObject(request);
    if (!json) co_return Refusal(json.error());
    auto spec = ReadProxy(*json, "");
    if (!spec) co_return Refusal(spec.error());
    co_return Answer(201, ShowResult(co_await proxies_.Add(*std::move(spec))));
  }

  net::Task<Response> ShowProxy(Request& request) const {
    co_return Answer(200, ShowResult(Named(request)));
  }

  net::Task<Response> ChangeProxy(Request& request) const {
    co_return Answer(200, ShowResult(co_await Changed(request)));
  }

  net::Task<Response> RemoveProxy(Request& request) const {
    co_return Answer(204, co_await proxies_.Remove(request.params.Get("name")));
  }

  net::Task<Response> ListToxics(Request& request) const {
    const auto proxy = Named(request);
    if (!proxy) co_return Refusal(proxy.error());
    co_return Response::Json(200, js::serialize(ToxicsJson(**proxy)));
  }

  net::Task<Response> AddToxic(Request& request) const {
    co_return Answer(200, ToxicResult(Added(request)));
  }

  net::Task<Response> ShowToxic(Request& request) const {
    co_return Answer(200, ToxicResult(NamedToxic(request)));
  }

  net::Task<Response> ChangeToxic(Request& request) const {
    co_return Answer(200, ToxicResult(ChangedToxic(request)));
  }

  net::Task<Response> RemoveToxic(Request& request) const {
    const auto proxy = Named(request);
    if (!proxy) co_return Refusal(proxy.error());
    const auto removed = (*proxy)->RemoveToxic(request.params.Get("toxic"));
    if (!removed) co_return Refusal(removed.error());
    co_return Response::Empty(204);
  }

  net::Task<Response> ShowEffects(Request& request) const {
    const auto proxy = Named(request);
    if (!proxy) co_return Refusal(proxy.error());
    co_return Response::Json(200, js::serialize(EffectsJson(**proxy)));
  }

  net::Task<Response> PopulateAll(Request& request) const {
    auto json = ParseBody(request);
    if (json && !json->is_array()) {
      json = base::Fail(ErrorCode::kInvalid, "bad request body: it is no list of proxies");
    }
    if (!json) co_return Refusal(json.error());
    const auto made = co_await Populate(proxies_, json->get_array());
    const int status = made ? 201 : StatusOf(made.error().code);
    js::object body = made ? js::object() : ErrorJson(made.error(), status);
    js::array list;
    if (made) {
      for (const std::string& name : *made) {
        if (const auto proxy = proxies_.Find(name)) list.push_back(ToJson(**proxy));
      }
    }
    body["proxies"] = std::move(list);
    co_return Response::Json(status, js::serialize(body));
  }

  net::Task<Response> Reset(Request&) const { co_return Answer(204, co_await proxies_.Reset()); }

  net::Task<Response> Version(Request&) const {
    co_return Response::Json(200, js::serialize(js::object{{"version", version_}}));
  }

  net::Task<Response> Metrics(Request&) const {
    co_return Response::Text(200, MetricsText(proxies_));
  }

 private:
  base::Result<Proxy*> Named(const Request& request) const {
    return proxies_.Find(request.params.Get("name"));
  }

  static base::Result<js::object> ShowResult(const base::Result<Proxy*>& proxy) {
    if (!proxy) return base::Fail(proxy.error());
    return ToJson(**proxy);
  }

  static base::Result<js::object> ToxicResult(const base::Result<const Toxic*>& toxic) {
    if (!toxic) return base::Fail(toxic.error());
    return fault::ToJson((*toxic)->spec);
  }

  net::Task<base::Result<Proxy*>> Changed(const Request& request) const {
    CO_TRY(const Proxy* proxy, Named(request));
    CO_TRY(const js::object json, ParseObject(request));
    CO_TRY(std::string listen, TextAt(json, "listen", proxy->listen()));
    CO_TRY(std::string upstream, TextAt(json, "upstream", proxy->upstream()));
    CO_TRY(const bool enabled, BoolAt(json, "enabled", proxy->is_enabled()));
    co_return co_await proxies_.Change(request.params.Get("name"), std::move(listen),
                                       std::move(upstream), enabled);
  }

  base::Result<const Toxic*> Added(const Request& request) const {
    TRY(Proxy * proxy, Named(request));
    TRY(const js::object json, ParseObject(request));
    TRY(ToxicSpec spec, ParseToxic(json));
    return proxy->AddToxic(std::move(spec));
  }

  base::Result<const Toxic*> NamedToxic(const Request& request) const {
    TRY(const Proxy* proxy, Named(request));
    const Toxic* toxic = proxy->FindToxic(request.params.Get("toxic"));
    if (toxic == nullptr) return base::Fail(ErrorCode::kNotFound, "toxic not found");
    return toxic;
  }

  base::Result<const Toxic*> ChangedToxic(const Request& request) const {
    TRY(Proxy * proxy, Named(request));
    TRY(const Toxic* toxic, NamedToxic(request));
    TRY(const js::object json, ParseObject(request));
    TRY(const ToxicSpec spec, fault::ChangeToxic(toxic->spec, json));
    return proxy->ChangeToxic(toxic->spec.name, spec);
  }

  ProxySet& proxies_;
  std::string version_;
};

/// Browsers may not make requests of web pages into ones to the proxy.
net::Task<Response> RefuseBrowsers(Request& request, const http::Handler& next) {
  const auto agent = request.headers.Get("User-Agent");
  if (agent && agent->starts_with("Mozilla/")) {
    co_return Response::Text(403, "User agent not allowed\n");
  }
  co_return co_await next(request);
}

}  // namespace

net::Task<base::Result<std::vector<std::string>>> Populate(ProxySet& proxies, js::array list) {
  std::vector<ProxySpec> specs;
  std::set<std::string> names;
  for (size_t i = 0; i < list.size(); ++i) {
    if (!list[i].is_object()) {
      co_return base::Fail(ErrorCode::kInvalid, "bad request body: a proxy is not an object");
    }
    CO_TRY(ProxySpec spec, ReadProxy(list[i].get_object(), fmt::format(" at proxy {}", i + 1)));
    if (!names.insert(spec.name).second) {
      co_return base::Fail(ErrorCode::kInvalid,
                           fmt::format("duplicate proxy name \"{}\"", spec.name));
    }
    specs.push_back(std::move(spec));
  }
  std::vector<std::string> made;
  for (ProxySpec& spec : specs) {
    made.push_back(spec.name);
    CO_TRY(co_await proxies.AddOrReplace(std::move(spec)));
  }
  co_return made;
}

base::Result<std::unique_ptr<http::Router>> MakeControlApi(ProxySet& proxies, std::string version) {
  const auto api = std::make_shared<ControlApi>(proxies, std::move(version));
  using Member = net::Task<Response> (ControlApi::*)(Request&) const;
  struct Entry {
    Method method;
    const char* path;
    Member member;
  };
  constexpr const char* kProxy = "/proxies/{name}";
  constexpr const char* kToxics = "/proxies/{name}/toxics";
  constexpr const char* kToxic = "/proxies/{name}/toxics/{toxic}";
  const Entry entries[] = {{Method::kGet, "/proxies", &ControlApi::ListProxies},
                           {Method::kPost, "/proxies", &ControlApi::AddProxy},
                           {Method::kGet, kProxy, &ControlApi::ShowProxy},
                           {Method::kPost, kProxy, &ControlApi::ChangeProxy},
                           {Method::kPatch, kProxy, &ControlApi::ChangeProxy},
                           {Method::kDelete, kProxy, &ControlApi::RemoveProxy},
                           {Method::kGet, kToxics, &ControlApi::ListToxics},
                           {Method::kPost, kToxics, &ControlApi::AddToxic},
                           {Method::kGet, kToxic, &ControlApi::ShowToxic},
                           {Method::kPost, kToxic, &ControlApi::ChangeToxic},
                           {Method::kPatch, kToxic, &ControlApi::ChangeToxic},
                           {Method::kDelete, kToxic, &ControlApi::RemoveToxic},
                           {Method::kGet, "/proxies/{name}/effects", &ControlApi::ShowEffects},
                           {Method::kPost, "/populate", &ControlApi::PopulateAll},
                           {Method::kPost, "/reset", &ControlApi::Reset},
                           {Method::kGet, "/version", &ControlApi::Version},
                           {Method::kGet, "/metrics", &ControlApi::Metrics}};
  auto router = std::make_unique<http::Router>();
  router->Use(RefuseBrowsers);
  for (const Entry& entry : entries) {
    TRY(router->Add({.method = entry.method,
                     .path = entry.path,
                     .handler = [api, member = entry.member](Request& request) {
                       return ((*api).*member)(request);
                     }}));
  }
  return router;
}

}  // namespace assay::fault
