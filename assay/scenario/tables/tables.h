#pragma once
// The schema tables of every file kind.

#include "assay/scenario/schema.h"

namespace assay::scenario {

const ObjectSchema& TableOf(FileKind kind);

/// What every step may have beside its action.
const ObjectSchema& StepTable();

const ObjectSchema& EnvironmentTable();

}  // namespace assay::scenario
