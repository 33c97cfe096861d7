#pragma once
// What came back from a database, as values for expressions and as a transcript.

#include <string>

#include "assay/action/sql/session.h"
#include "assay/cel/value.h"
#include "assay/history/blob_store.h"
#include "lib/base/clock.h"

namespace assay::action {

/// `00000`: successful completion (ISO/IEC 9075).
inline constexpr std::string_view kSqlSuccess = "00000";

/// A cell by the type of its column: bool, timestamp and decoded JSON where the column says so.
cel::Value CellValue(const sql::Value& cell, sql::ColumnType type);

/// The outcome variables: of the last statement that was carried out, and of all of them.
cel::Value SqlOutcomeValue(const SqlReport& report, base::Duration duration);

/// Stores statements, parameters and the first rows of each answer; the name of the blob.
base::Result<std::string> RecordSqlTranscript(const SqlRequest& request, const SqlReport& report,
                                              base::Duration duration, history::BlobSink& blobs);

}  // namespace assay::action
