#pragma once
// HL7 v2 messages as values of expressions, and the reverse.
//
//   message.PID[0]['5.1']      a segment by name and number (from 0), a place in it as text
//   {MSH: {...}, OBX: [{...}]} or a list of such maps where the order of segments needs it

#include <string>
#include <string_view>

#include "assay/cel/value.h"
#include "lib/base/result.h"
#include "lib/formats/hl7/message.h"

namespace assay::action {

/// A map of segment names to lists of segments, and `segments`: their names in order. A segment is
/// a map of places to unescaped text: `5` (its first part), `5.2` (component), `5.2.1`
/// (subcomponent, where there are several), `5(2)` and `5(2).1` (from the second repetition on),
/// and `text`: the segment as on the wire. Places that the segment does not reach are missing.
cel::Value Hl7Value(const formats::hl7::Message& message);

/// From text (segments end with CR, LF or both) or from a map as above. In a map a field is a
/// value, a map of components (and these of subcomponents), or a list of repetitions; null is left
/// out. Keys are places. Without MSH-1 and MSH-2 the usual delimiters are written.
base::Result<formats::hl7::Message> Hl7MessageOf(const cel::Value& value);

/// The bytes of a received message as UTF-8: as they are, or from ISO 8859-1 when MSH-18 says so.
/// kUnsupported names the character set.
base::Result<std::string> Hl7Text(std::string_view bytes);

}  // namespace assay::action
