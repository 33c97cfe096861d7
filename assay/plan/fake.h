#pragma once
// fake.*: seeded data of people, identifiers and words. The same seed, step path, place and call
// give the same value, whatever else runs beside it.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "assay/cel/cel.h"
#include "assay/cel/value.h"
#include "lib/base/random.h"

namespace assay::plan {

/// Draws one value after the other. Not thread-safe.
class FakeSource {
 public:
  /// `place` is any text that names the use: step path and field.
  FakeSource(uint64_t run_seed, std::string_view place);

  std::string Mrn();  ///< MRN and eight digits
  std::string GivenName();
  std::string FamilyName();
  std::string Name();
  std::string Uuid();         ///< version 4 in form (RFC 9562)
  std::string Email();        ///< under example.org (RFC 2606)
  std::string DateOfBirth();  ///< 1930-01-01 to 2015-12-28
  std::string Phone();        ///< 555-01xx: reserved for fiction
  std::string Address();
  int64_t Integer(int64_t low, int64_t high);  ///< both included; requires low <= high
  std::string Word();
  std::string Sentence();
  std::string Hex(size_t digits);
  size_t Below(size_t bound);  ///< requires bound > 0

 private:
  base::Random random_;
};

/// Declares the variable `fake` and its functions.
void DeclareFake(cel::Environment& environment);

/// The value of the variable `fake` for one evaluation.
cel::Value MakeFake(uint64_t run_seed, std::string_view place);

/// The names of its functions, for messages and documentation.
inline constexpr std::string_view kFakeFunctions[] = {
    "mrn",   "name",    "given_name", "family_name", "uuid", "email",    "date_of_birth",
    "phone", "address", "integer",    "pick",        "word", "sentence", "hex"};

}  // namespace assay::plan
