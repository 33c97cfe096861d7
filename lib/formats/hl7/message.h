#pragma once
// HL7 v2 messages in the encoding of vertical bars (HL7 v2.5.1, chapter 2).
//
//   MSH|^~\&|LAB|HOSP|...<CR>          a segment a line, fields separated by |
//   PID|1||123^^^HOSP~77^^^NAT<CR>     repetitions by ~, components by ^, subcomponents by &
//
// Fields are kept as they stand on the wire, so that reading and writing changes no byte; values
// are unescaped when they are asked for.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/result.h"

namespace formats::hl7 {

/// MSH-1 and MSH-2.
struct Delimiters {
  char field = '|';
  char component = '^';
  char repetition = '~';
  char escape = '\\';
  char subcomponent = '&';
  bool operator==(const Delimiters&) const = default;
};

/// Delimiters become \F\ \S\ \R\ \E\ \T\, bytes below 0x20 (a CR would end the segment) \X0D\.
std::string Escape(std::string_view text, const Delimiters& delimiters);
/// The reverse. Sequences that stand for no text (\H\, \.br\, \C2842\, \Z..\) and malformed ones
/// stay as they are.
std::string Unescape(std::string_view encoded, const Delimiters& delimiters);

/// Where a value stands in a segment; everything counts from 1.
struct Position {
  size_t field = 1;
  size_t repetition = 1;
  size_t component = 1;
  size_t subcomponent = 1;
  bool operator==(const Position&) const = default;
};

/// `5`, `5.2`, `5.2.1`, `5(3).2`: field, repetition, component, subcomponent; what is left out
/// is 1.
base::Result<Position> ParsePosition(std::string_view text);

class Segment {
 public:
  /// Requires: a valid id, see IsSegmentId.
  explicit Segment(std::string id) : id_(std::move(id)) {}

  const std::string& id() const { return id_; }
  /// Number of the last field.
  size_t size() const { return fields_.size(); }
  /// As on the wire; empty when there is none. MSH-1 is the separator itself.
  std::string_view field(size_t number) const;
  void SetField(size_t number, std::string encoded);

  /// The unescaped value; nothing when the segment does not go so far. Of a value with parts the
  /// first part (2.5.3.5: how receivers of older versions read newer messages).
  std::optional<std::string> Get(const Position& at, const Delimiters& delimiters) const;
  /// Escapes `text` and puts it there, with empty parts before it as needed. kInvalid beyond the
  /// bounds of kMost...
  base::Result<void> Set(const Position& at, std::string_view text, const Delimiters& delimiters);

  bool operator==(const Segment&) const = default;

 private:
  std::string id_;
  std::vector<std::string> fields_;
};

// What Set makes at most, so that a slip of the pen does not make a message of a gigabyte.
inline constexpr size_t kMostFields = 1000;
inline constexpr size_t kMostRepetitions = 1000;
inline constexpr size_t kMostComponents = 100;

struct Message {
  Delimiters delimiters;
  std::vector<Segment> segments;

  /// The `nth` (from 0) segment of that id; null when there is none.
  const Segment* Find(std::string_view id, size_t nth = 0) const;
  /// Shorthand: `Value("MSA", {1})`; "" when there is none.
  std::string Value(std::string_view id, const Position& at) const;

  bool operator==(const Message&) const = default;
};

/// Three characters: a capital letter, then capital letters and digits.
bool IsSegmentId(std::string_view id);

/// The parts of `text` between `delimiter`; one empty part of an empty text.
std::vector<std::string_view> Split(std::string_view text, char delimiter);

enum class LineEnds {
  kCarriageReturn,  ///< as on the wire (2.5.2): a line feed is an error
  kAny,             ///< also LF and CR LF, as editors write them
};

struct ParseOptions {
  LineEnds line_ends = LineEnds::kCarriageReturn;
  size_t max_segments = 100'000;
};

/// kInvalid names the segment and what is wrong; kTooLarge: too many segments.
base::Result<Message> Parse(std::string_view text, const ParseOptions& options = {});

/// Every segment ends with CR.
std::string Encode(const Message& message);

/// What an acknowledgement says: MSA-1 to MSA-3.
struct Acknowledgement {
  std::string code;        ///< AA, AE, AR, CA, CE, CR
  std::string control_id;  ///< MSH-10 of the message that is acknowledged
  std::string text;
};

/// Nothing when there is no MSA.
std::optional<Acknowledgement> AcknowledgementOf(const Message& message);

/// The general acknowledgement (2.9.2) of `message`: sender and receiver exchanged, same version,
/// processing id and delimiters. `control_id` is its own MSH-10.
Message MakeAcknowledgement(const Message& message, std::string_view code,
                            std::string_view control_id, std::string_view text = {});

}  // namespace formats::hl7
