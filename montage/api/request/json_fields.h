#pragma once
// Reads a JSON request body field by field; everything wrong is collected, so that a client sees
// all of it at once.
//
//   JsonFields fields(request);
//   const std::string file_id = fields.RequiredText("file_id");
//   const bool quality = fields.Bool("quality_control", true);
//   if (auto problem = fields.Finish()) return *problem;

#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>

#include "lib/http/message.h"
#include "montage/api/problem.h"

namespace montage::api {

class JsonFields {
 public:
  /// 415 unless the body is JSON, 400 when it does not parse or is no object.
  explicit JsonFields(const http::Request& request);
  /// Of a nested object.
  JsonFields(boost::json::object object, std::string prefix);

  std::string RequiredText(std::string_view name);
  std::optional<std::string> Text(std::string_view name);
  /// One of `words`.
  std::string RequiredWord(std::string_view name, std::span<const std::string> words);
  std::string Word(std::string_view name, std::span<const std::string> words,
                   std::string_view fallback);
  bool Bool(std::string_view name, bool fallback);
  /// nullopt when absent or null.
  std::optional<bool> OptionalBool(std::string_view name);
  std::optional<int64_t> OptionalInt(std::string_view name, int64_t low, int64_t high);
  int64_t Int(std::string_view name, int64_t fallback, int64_t low, int64_t high);
  /// `least` to `most` texts, none of them empty.
  std::vector<std::string> RequiredTexts(std::string_view name, size_t most, size_t least = 1);
  /// An object, empty when absent; its fields are read by a JsonFields of their own, given to
  /// Merge.
  JsonFields Object(std::string_view name);
  void Merge(JsonFields&& nested);
  /// Says that a field is wrong for a reason that only the caller sees.
  void Wrong(std::string_view name, std::string_view message);

  /// nullopt when all was well and no unknown field is left; else 400, 415 or 422 with
  /// details.fields.
  std::optional<Problem> Finish();

 private:
  const boost::json::value* Take(std::string_view name, bool required);
  boost::json::object object_;
  std::string prefix_;
  std::set<std::string, std::less<>> known_;
  boost::json::object wrong_;
  std::optional<Problem> fatal_;
};

}  // namespace montage::api
