#include "lib/http/router.h"

#include <algorithm>

namespace http {

struct Router::Node {
  std::map<std::string, std::unique_ptr<Node>, std::less<>> literals;
  std::unique_ptr<Node> parameter;
  std::string parameter_name;
  std::unique_ptr<Node> rest;
  std::string rest_name;
  std::vector<const Route*> routes;

  const Route* For(Method method) const {
    for (const Route* route : routes) {
      if (route->method == method) return route;
    }
    return nullptr;
  }
};

namespace {

/// `/a/b` to {a, b}; `/a/` to {a, ""}; `/` to {""}.
std::vector<std::string_view> Split(std::string_view path) {
  std::vector<std::string_view> segments;
  while (!path.empty()) {
    path.remove_prefix(1);  // the slash
    const size_t end = std::min(path.find('/'), path.size());
    segments.push_back(path.substr(0, end));
    path.remove_prefix(end);
  }
  return segments;
}

base::Error BadTemplate(const std::string& path, const std::string& why) {
  return {.code = base::ErrorCode::kInvalid,
          .message = "route '" + path + "' " + why,
          .hint = "write it as /literal/{name} or /literal/{name*}"};
}

using Values = std::vector<std::pair<const std::string*, std::string>>;

std::string JoinFrom(const std::vector<std::string>& segments, size_t first) {
  std::string joined;
  for (size_t i = first; i < segments.size(); ++i) {
    if (i > first) joined += '/';
    joined += segments[i];
  }
  return joined;
}

/// Depth first, literals before parameters; the depth is bounded by the templates.
template <typename NodeType>
const NodeType* Match(const NodeType& node, const std::vector<std::string>& segments, size_t at,
                      Values& values) {
  if (at == segments.size()) return node.routes.empty() ? nullptr : &node;
  if (const auto literal = node.literals.find(segments[at]); literal != node.literals.end()) {
    if (const auto* found = Match(*literal->second, segments, at + 1, values)) return found;
  }
  if (node.parameter && !segments[at].empty()) {
    values.emplace_back(&node.parameter_name, segments[at]);
    if (const auto* found = Match(*node.parameter, segments, at + 1, values)) return found;
    values.pop_back();
  }
  if (node.rest && !node.rest->routes.empty()) {
    values.emplace_back(&node.rest_name, JoinFrom(segments, at));
    return node.rest.get();
  }
  return nullptr;
}

std::string AllowedMethods(const std::vector<const Route*>& routes) {
  std::vector<std::string> names;
  for (const Route* route : routes) {
    names.emplace_back(ToString(route->method));
    if (route->method == Method::kGet) names.emplace_back("HEAD");
  }
  names.emplace_back("OPTIONS");
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  std::string joined;
  for (const std::string& name : names) joined += (joined.empty() ? "" : ", ") + name;
  return joined;
}

/// Why there is no route, kept in the request until the middleware has run.
struct Unrouted {
  int status = 404;
  std::string allow;
  base::Error error;
};

int StatusOf(base::ErrorCode code) {
  switch (code) {
    case base::ErrorCode::kTooLarge:
      return 413;
    case base::ErrorCode::kTimeout:
      return 408;
    default:
      return 400;
  }
}

}  // namespace

Router::Router(RouterOptions options)
    : options_(std::move(options)), root_(std::make_unique<Node>()) {}

Router::~Router() = default;

base::Result<void> Router::Add(Route route) {
  if (!route.path.starts_with('/')) {
    return base::Fail(BadTemplate(route.path, "does not start with a slash"));
  }
  Node* node = root_.get();
  const auto segments = Split(route.path);
  for (size_t i = 0; i < segments.size(); ++i) {
    const std::string_view segment = segments[i];
    const bool braces = segment.size() > 2 && segment.front() == '{' && segment.back() == '}';
    if (!braces) {
      if (segment.find_first_of("{}") != std::string_view::npos) {
        return base::Fail(BadTemplate(route.path, "has a brace inside a segment"));
      }
      auto& next = node->literals[std::string(segment)];
      if (!next) next = std::make_unique<Node>();
      node = next.get();
      continue;
    }
    std::string name(segment.substr(1, segment.size() - 2));
    const bool rest = name.ends_with('*');
    if (rest) name.pop_back();
    if (rest && i + 1 < segments.size()) {
      return base::Fail(BadTemplate(route.path, "goes on after {" + name + "*}"));
    }
    auto& next = rest ? node->rest : node->parameter;
    auto& known = rest ? node->rest_name : node->parameter_name;
    if (next && known != name) {
      return base::Fail(base::ErrorCode::kConflict, "route '" + route.path + "' calls {" + known +
                                                        "} of another route {" + name + "}");
    }
    if (!next) next = std::make_unique<Node>();
    known = name;
    node = next.get();
  }
  if (node->For(route.method) != nullptr) {
    return base::Fail(base::ErrorCode::kConflict, "route '" + std::string(ToString(route.method)) +
                                                      " " + route.path + "' exists already");
  }
  routes_.push_back(std::make_unique<Route>(std::move(route)));
  node->routes.push_back(routes_.back().get());
  return {};
}

void Router::Use(Middleware middleware) {
  middleware_.push_back(std::move(middleware));
  chain_.clear();
  for (size_t i = 0; i <= middleware_.size(); ++i) {
    chain_.emplace_back([this, i](Request& request) { return RunFrom(i, request); });
  }
}

Handler Router::AsHandler() const {
  return [this](Request& request) { return Handle(request); };
}

net::Task<Response> Router::RunFrom(size_t depth, Request& request) const {
  if (depth == middleware_.size()) return Dispatch(request);
  return middleware_[depth](request, chain_[depth + 1]);
}

base::Result<const Router::Node*> Router::Find(Request& request) const {
  std::vector<std::string> segments;
  for (const std::string_view segment : Split(request.path)) {
    TRY(std::string decoded, PercentDecode(segment));
    if (decoded == "." || decoded == ".." || decoded.find('\0') != std::string::npos) {
      return base::Fail(base::ErrorCode::kInvalid,
                        "the path has a segment '" + std::string(segment) + "'");
    }
    segments.push_back(std::move(decoded));
  }
  Values values;
  const Node* node = Match(*root_, segments, 0, values);
  if (node == nullptr) return nullptr;
  for (auto& [name, value] : values) request.params.Add(*name, std::move(value));
  const Route* route = node->For(request.method);
  if (route == nullptr && request.method == Method::kHead) route = node->For(Method::kGet);
  request.route = route;
  return node;
}

net::Task<Response> Router::Handle(Request& request) const {
  // The route is found first, so that middleware knows it.
  Unrouted unrouted;
  if (request.path.starts_with('/')) {
    auto found = Find(request);
    if (!found.has_value()) {
      unrouted.status = 400;
      unrouted.error = std::move(found).error();
    } else if (*found != nullptr && request.route == nullptr) {
      unrouted.status = request.method == Method::kOptions ? 204 : 405;
      unrouted.allow = AllowedMethods((*found)->routes);
    }
  } else if (request.target == "*" && request.method == Method::kOptions) {
    unrouted.status = 204;
  }
  if (request.route == nullptr) request.Attach(std::move(unrouted));
  co_return co_await (middleware_.empty() ? Dispatch(request) : chain_[0](request));
}

net::Task<Response> Router::Dispatch(Request& request) const {
  if (request.route != nullptr) return Serve(request, *request.route);
  return Refuse(request);
}

net::Task<Response> Router::Refuse(Request& request) const {
  Unrouted& unrouted = *request.Attached<Unrouted>();
  Response response = Response::Empty(204);
  if (unrouted.status != 204) {
    if (unrouted.status == 404) {
      unrouted.error = {.code = base::ErrorCode::kNotFound,
                        .message = "nothing is found at " + request.path};
    } else if (unrouted.status == 405) {
      unrouted.error = {.code = base::ErrorCode::kUnsupported,
                        .message = "method " + request.method_text + " is not allowed at " +
                                   request.path + ", allowed: " + unrouted.allow};
    }
    response = options_.format_error(unrouted.status, unrouted.error, &request);
  }
  if (!unrouted.allow.empty()) response.headers.Set("Allow", unrouted.allow);
  co_return response;
}

net::Task<Response> Router::Serve(Request& request, const Route& route) const {
  const uint64_t limit = route.max_body.value_or(options_.max_body);
  if (request.reader != nullptr && route.streams_body) {
    request.reader->set_limit(limit);
  } else if (request.reader != nullptr) {
    auto body =
        co_await ReadAll(*request.reader, limit, base::Deadline::After(options_.body_deadline));
    if (!body.has_value()) {
      co_return options_.format_error(StatusOf(body.error().code), body.error(), &request);
    }
    request.body = std::move(*body);
  }
  co_return co_await route.handler(request);
}

}  // namespace http
