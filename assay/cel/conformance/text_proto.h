#pragma once
// Text-format protobuf without a schema: enough to read conformance cases.

#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.h"

namespace assay::cel::conformance {

struct Field;

/// A message: its fields in order, repeated ones repeated.
struct Message {
  std::vector<Field> fields;
  std::string text;  ///< as written, for rules that look for words

  const Field* Find(std::string_view name) const;
  std::vector<const Field*> All(std::string_view name) const;
  /// The scalar called `name`, "" when there is none.
  std::string Scalar(std::string_view name) const;
};

struct Field {
  std::string name;    ///< of an extension or Any: `[type.googleapis.com/...]`
  std::string scalar;  ///< a number or word, or the content of a string
  Message message;
};

base::Result<Message> ParseTextProto(std::string_view text);

}  // namespace assay::cel::conformance
