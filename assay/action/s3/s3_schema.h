#pragma once
// The table of the `s3` action.

#include "assay/scenario/schema.h"

namespace assay::action {

scenario::ActionSchema S3Schema();

}  // namespace assay::action
