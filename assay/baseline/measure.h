#pragma once
// From the history of a run to its metrics.

#include "assay/baseline/metric.h"
#include "assay/history/blob_store.h"
#include "assay/history/run_model.h"

namespace assay::baseline {

/// Of scenarios that passed at their first attempt:
///
///   scenario    duration
///   step        duration, of steps that do something and wait for nothing by design; not of
///               `wait`, `workload`, `monitor`, `fault`, `manual`, nor in the background or in
///               cleanup
///   workload    rate; errors.rate, dropped.rate (shares); latency.* and service_time.*: mean, p50,
///               p95, p99, p999; with several tasks the same of each, `tasks.NAME.latency.p99`.
///               A percentile needs ten iterations beyond it, or it is another word for the longest
///   monitor     NAME.QUANTITY.mean and .max, and .slope of what can leak (rss, pss, fds, threads);
///               values of pages and queries are not judged: nobody knows which way is good
///
/// Everything else of the run (what failed, its conditions) is taken over as it is.
MeasuredRun MeasureRun(const history::RunModel& run, const history::BlobSource& blobs);

}  // namespace assay::baseline
