#pragma once
// The HTTP API of Toxiproxy (its README, "HTTP API"), so that its clients drive our proxies:
//
//   GET    /proxies                          all, as {name: proxy}
//   POST   /proxies                          adds one: {name, listen, upstream, enabled, toxics}
//   GET    /proxies/{name}                   POST or PATCH changes it, DELETE removes it
//   GET    /proxies/{name}/toxics            POST adds one: {name, type, stream, toxicity,
//   attributes} GET    /proxies/{name}/toxics/{toxic}    POST or PATCH changes it, DELETE removes
//   it POST   /populate                         a list of proxies POST   /reset all are enabled,
//   without toxics GET    /version, /metrics
//
// Added: `toxics` when a proxy is made, `after`, `for`, `every` of a toxic (see toxic.h), and
//
//   GET    /proxies/{name}/effects           what passed, and what each toxic did to it

#include <memory>
#include <string>
#include <vector>

#include <boost/json/array.hpp>

#include "assay/fault/proxy_set.h"
#include "lib/http/message.h"
#include "lib/http/router.h"

namespace assay::fault {

/// Makes the routes; errors are `{error, status}`, with a `hint` where there is one. `proxies` and
/// what the handlers refer to outlive the router. The handlers run on the loop of the proxies.
base::Result<std::unique_ptr<http::Router>> MakeControlApi(ProxySet& proxies, std::string version);

/// What `POST /populate` does, also for a configuration file: the names of the proxies. Nothing is
/// changed when the list is wrong; when one cannot listen, those before it stay.
net::Task<base::Result<std::vector<std::string>>> Populate(ProxySet& proxies,
                                                           boost::json::array list);

}  // namespace assay::fault
