#pragma once
// multipart/form-data (RFC 7578, RFC 2046) as it arrives: a state machine that is fed with pieces
// of any size and holds no more than one delimiter and one part header.
//
//   preamble --delimiter--> header --empty line--> body --delimiter--> header | end

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "lib/base/deadline.h"
#include "lib/base/result.h"
#include "lib/http/headers.h"
#include "lib/http/message.h"

namespace http {

/// What the header of a part says.
struct PartHead {
  std::string name;
  std::string filename;  ///< as sent: never use it as a path
  bool has_filename = false;
  std::string content_type;  ///< "" when absent
  Headers headers;
};

/// Gets the parts in order. An error stops the parser and is passed on.
class PartSink {
 public:
  virtual ~PartSink() = default;
  virtual base::Result<void> OnPart(const PartHead& head) = 0;
  /// Pieces of the part's content, in order.
  virtual base::Result<void> OnContent(std::string_view bytes) = 0;
  virtual base::Result<void> OnPartEnd() = 0;
};

struct MultipartLimits {
  size_t max_parts = 1000;
  size_t max_part_header = size_t{8} * 1024;  ///< bytes
  uint64_t max_part = UINT64_MAX;             ///< bytes of content
};

class MultipartParser {
 public:
  /// `boundary` without the dashes; 1 to 70 characters. `sink` outlives the parser.
  MultipartParser(std::string boundary, PartSink& sink, MultipartLimits limits = {});

  /// kInvalid: malformed; kTooLarge: over a limit. Not to be called again after an error.
  base::Result<void> Feed(std::string_view bytes);
  /// The input is over; kInvalid unless the closing delimiter was seen.
  base::Result<void> Finish() const;

 private:
  enum class State { kPreamble, kAfterDelimiter, kHeader, kContent, kEpilogue };

  /// Each takes what it can off `held_`; false: it needs more input.
  base::Result<bool> Step();
  base::Result<bool> TakeUntilDelimiter();
  base::Result<bool> TakeDelimiterEnd();
  base::Result<bool> TakeHeader();
  base::Result<void> Give(std::string_view content);

  std::string delimiter_;  ///< CR LF and two dashes before the boundary
  PartSink& sink_;
  MultipartLimits limits_;
  State state_ = State::kPreamble;
  std::string held_;
  size_t taken_ = 0;  ///< bytes of `held_` that are done with
  size_t parts_ = 0;
  uint64_t part_bytes_ = 0;
};

/// The boundary of a multipart/form-data Content-Type. kUnsupported: another type; kInvalid: no or
/// a malformed boundary.
base::Result<std::string> MultipartBoundary(std::string_view content_type);

/// Reads a whole body through a parser.
net::Task<base::Result<void>> ReadMultipart(BodyReader& body, std::string boundary, PartSink& sink,
                                            MultipartLimits limits, base::Deadline deadline);

}  // namespace http
