#pragma once
// POSTs that create do it once for each Idempotency-Key.

#include <functional>

#include "montage/api/routes.h"

namespace montage::api {

/// `create`, or the answer it gave when the same caller sent the same body to the same operation
/// under the same key. 422 for another body, 409 while the first is not finished. Refusals are not
/// kept: the key can be used again. Without the header it just calls `create`.
Outcome CreateOnce(const Api& api, const Services& services, Call& call,
                   const std::function<Outcome()>& create);

}  // namespace montage::api
