#pragma once
// Router: from method and path to a handler.
//
// Templates are made of literal segments, `{name}` (one non-empty segment) and, at the end,
// `{name*}` (the rest, at least one segment). A literal wins over a parameter. Segments are split
// before they are percent-decoded, so that an encoded slash stays inside its segment.

#include <any>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lib/http/message.h"

namespace http {

/// What is known about a route; the list of all of them makes the API description and metric
/// labels.
struct Route {
  Method method = Method::kGet;
  std::string path;  ///< the template
  Handler handler;
  std::string operation_id = {};
  std::string summary = {};
  /// True: the handler reads `request.reader`. False: the body is read into `request.body` before.
  bool streams_body = false;
  std::optional<uint64_t> max_body = {};
  /// For whoever guards the route; the router does not look at it.
  std::any tag = {};
};

/// Wraps the handlers of all routes, also the answers 404 and 405 (then `request.route` is null).
/// It calls `next` at most once.
using Middleware = std::function<net::Task<Response>(Request&, const Handler& next)>;

struct RouterOptions {
  uint64_t max_body = 1 << 20;  ///< bytes, for routes without a limit of their own
  base::Duration body_deadline =
      std::chrono::seconds(60);  ///< to receive a body that is not streamed
  ErrorFormatter format_error = PlainError;
};

/// Build it, then serve: Add and Use are not to be called while requests are handled. Handle is
/// thread-safe if the handlers are. Outlives the requests it handles.
class Router {
 public:
  explicit Router(RouterOptions options = {});
  ~Router();
  Router(const Router&) = delete;
  Router& operator=(const Router&) = delete;

  /// kInvalid: a malformed template; kConflict: the method and path are taken.
  base::Result<void> Add(Route route);
  /// The first one added is the outermost.
  void Use(Middleware middleware);

  const std::vector<std::unique_ptr<Route>>& routes() const { return routes_; }

  /// Answers 404, 405 with Allow, 413 and 400 itself. HEAD is answered by GET's handler, OPTIONS
  /// with Allow, unless they have routes of their own.
  net::Task<Response> Handle(Request& request) const;
  /// A handler that refers to this router.
  Handler AsHandler() const;

 private:
  struct Node;

  net::Task<Response> Dispatch(Request& request) const;
  net::Task<Response> Serve(Request& request, const Route& route) const;
  net::Task<Response> RunFrom(size_t depth, Request& request) const;
  /// Finds the node of the request's path and sets its parameters; kInvalid for a malformed path.
  base::Result<const Node*> Find(Request& request) const;
  net::Task<Response> Refuse(Request& request) const;

  RouterOptions options_;
  std::vector<std::unique_ptr<Route>> routes_;
  std::vector<Middleware> middleware_;
  std::vector<Handler> chain_;  ///< chain_[i] runs middleware_[i] and what follows
  std::unique_ptr<Node> root_;
};

}  // namespace http
