#pragma once
// Parameters of an `s3` step and the values of its outcome; for .cc files of this folder.

#include <optional>
#include <string>
#include <string_view>

#include "assay/action/s3/s3_operations.h"
#include "assay/cel/value.h"
#include "lib/objects/s3/client.h"

namespace assay::action {

/// kInvalid: `parameter "range" is not <expected>`.
std::unexpected<base::Error> WrongParameter(std::string_view name, std::string_view expected);
/// "" when it is absent or null.
std::string TextParameter(const cel::Value& params, std::string_view name);
/// kInvalid when it is absent or empty.
base::Result<std::string> NeededParameter(const cel::Value& params, std::string_view name);
/// A positive number; `otherwise` when absent.
base::Result<uint64_t> CountParameter(const cel::Value& params, std::string_view name,
                                      uint64_t otherwise);

/// The object that `subject` names: in `bucket`, with `version` when there is one.
base::Result<objects::s3::ObjectName> SubjectName(const S3Session& session);
/// `0-99`, `100-` or `-5`.
base::Result<std::optional<objects::s3::ByteRange>> RangeParameter(const cel::Value& params);
/// content_type, metadata, headers, checksum, if_absent.
base::Result<objects::s3::PutOptions> PutParameters(const cel::Value& params);

/// status, error_code, error_message and request_id, which every answer has.
cel::MapBuilder AnswerFields(const objects::s3::Answer& answer);
cel::Value CountValue(uint64_t count);
/// null for the epoch, which stands for "not told".
cel::Value TimeValue(base::WallTime time);
void AddFacts(const objects::s3::ObjectFacts& facts, cel::MapBuilder& map);

}  // namespace assay::action
