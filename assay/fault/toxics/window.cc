#include "assay/fault/toxics/window.h"

#include <fmt/format.h>

#include "lib/base/units.h"

namespace assay::fault {

base::Result<void> Window::Check() const {
  if (!every) return {};
  if (!lasts) {
    return base::Fail(base::ErrorCode::kInvalid, "\"every\" needs \"for\": how long it is on");
  }
  if (*every > *lasts) return {};
  return base::Fail(base::ErrorCode::kInvalid,
                    fmt::format("\"every\" ({}) must be longer than \"for\" ({})",
                                base::FormatDuration(*every), base::FormatDuration(*lasts)));
}

bool Window::IsOn(base::Duration since) const {
  if (since < after) return false;
  if (!lasts) return true;
  const base::Duration into = since - after;
  return (every ? into % *every : into) < *lasts;
}

std::optional<base::Duration> Window::NextChange(base::Duration since) const {
  if (since < after) return after;
  if (!lasts) return std::nullopt;
  const base::Duration into = since - after;
  if (!every) {
    if (into < *lasts) return after + *lasts;
    return std::nullopt;
  }
  const base::Duration begun = after + into / *every * *every;
  return since - begun < *lasts ? begun + *lasts : begun + *every;
}

}  // namespace assay::fault
