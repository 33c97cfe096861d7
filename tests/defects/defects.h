#pragma once
// Defects that are planted in Montage on purpose, to prove that the suites find them.

#include <string_view>

#include "lib/base/result.h"
#include "montage/app/interposers.h"

namespace montage::defects {

/// By name:
///   lost-ack         every 5th submission is acknowledged and forgotten
///   doubled-job      every 5th job that a worker takes is taken a second time
///   stale-read       after the database was away, jobs are shown as they were before, for 30 s
///   leak             1 KiB of every request is never given back
///   leak-file        5 MiB of every upload are never given back
///   slow:N           every request takes N microseconds longer
/// kNotFound names those that there are.
base::Result<app::Interposers> PlantedDefect(std::string_view name);

}  // namespace montage::defects
