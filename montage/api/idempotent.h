#pragma once
// POSTs that create do it once for each Idempotency-Key.

#include <functional>
#include <string>

#include "montage/api/routes.h"

namespace montage::api {

/// `create`, or the answer it gave when the same caller sent the same body to the same operation
/// under the same key; 422 for another body. `create` is given the id of what it makes: always the
/// same one for that request, so that a server that died before it could keep its answer, or a
/// second request that meets the first at work, makes nothing twice. Refusals are not kept: the key
/// can be used again. Without the header the id is "": any new one.
Outcome CreateOnce(const Api& api, const Services& services, Call& call,
                   const std::function<Outcome(const std::string& id)>& create);

}  // namespace montage::api
