#pragma once
// The tables of `monitor`.

#include "assay/scenario/schema.h"

namespace assay::action {

scenario::ActionSchema MonitorSchema();

}  // namespace assay::action
