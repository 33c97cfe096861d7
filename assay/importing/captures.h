#pragma once
// Values that the system made and that come back in later requests: they become saved variables.
//
// A value of an answer is a candidate when its key looks like an identifier (id, file_id, token,
// ...), or when it looks made up (eight or more letters and digits); and when no request before
// sent it.
//
//   POST /notes -> {"id": "n-1"}     step 1: save { note_id: body.id }
//   GET /notes/n-1                   step 2: GET /notes/${{ vars.note_id }}

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/fwd.hpp>

#include "assay/importing/exchange.h"

namespace assay::importing {

/// What was found in use: step `exchange` has to save it.
struct Capture {
  size_t exchange = 0;
  std::string name;
  std::string expression;  ///< CEL on the outcome of that step
  std::string key;         ///< member it came from, for redaction
};

class Captures {
 public:
  /// `taken` are names of variables that exist already.
  explicit Captures(std::set<std::string> taken) : names_(std::move(taken)) {}

  /// Remembers what request number `index` sends, then what its answer brings.
  void Observe(size_t index, const Exchange& exchange);

  /// The slot for a text that is such a value as a whole; `key` is where it is used ("" for a
  /// segment of a path). The text itself when it is none.
  std::string Whole(std::string_view text, std::string_view key);
  /// Also words inside a longer text.
  std::string Within(std::string_view text, std::string_view key);
  /// The slot's expression for a JSON number, or "".
  std::string Number(std::string_view digits, std::string_view key);

  const std::vector<Capture>& used() const { return used_; }

 private:
  struct Candidate {
    Capture capture;
    std::string hint;
    bool number = false;
    bool identifier = false;  ///< its key says so
    bool is_used = false;
  };

  void ObserveRequest(const Exchange& exchange);
  void ObserveJson(size_t index, const boost::json::value& value, const std::string& expression,
                   std::string_view key, std::string_view resource, size_t depth);
  void AddTail(size_t index, std::string_view url, const std::string& expression,
               std::string_view resource);
  void Add(size_t index, std::string_view value, Candidate candidate);
  std::string Use(Candidate& candidate);
  Candidate* Find(std::string_view text, std::string_view key);

  std::set<std::string> names_;
  std::set<std::string, std::less<>> sent_;
  std::map<std::string, Candidate, std::less<>> candidates_;
  std::vector<Capture> used_;
};

/// `id`, `file_id`, `userId`, `cursor`, `token`, ...
bool IsIdentifierKey(std::string_view key);
/// At least eight characters, letters and digits, no blanks: nobody typed that.
bool LooksMade(std::string_view text);
/// The singular noun that a path is about: `/api/v1/notes/7` -> `note`.
std::string ResourceOf(std::string_view path);

}  // namespace assay::importing
