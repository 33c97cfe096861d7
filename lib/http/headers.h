#pragma once
// Header fields of HTTP messages: names without regard to case, order and repetitions kept.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace http {

/// ASCII only, as field names are.
bool EqualsIgnoringCase(std::string_view a, std::string_view b);

/// `text` without leading and trailing spaces and tabs.
std::string_view TrimBlanks(std::string_view text);

struct HeaderField {
  std::string name;
  std::string value;
};

class Headers {
 public:
  Headers() = default;
  Headers(std::initializer_list<HeaderField> fields) : fields_(fields) {}

  void Add(std::string_view name, std::string_view value);
  /// Replaces all fields of that name by one.
  void Set(std::string_view name, std::string_view value);
  void Remove(std::string_view name);

  bool Has(std::string_view name) const { return Get(name).has_value(); }
  /// The first one.
  std::optional<std::string_view> Get(std::string_view name) const;
  std::vector<std::string_view> GetAll(std::string_view name) const;
  /// All values of a list field as one, separated by ", " (RFC 9110 5.3).
  std::string Joined(std::string_view name) const;
  /// Whether a comma-separated list field has `token`, ignoring case: `Connection: close`.
  bool HasToken(std::string_view name, std::string_view token) const;

  bool empty() const { return fields_.empty(); }
  size_t size() const { return fields_.size(); }
  auto begin() const { return fields_.begin(); }
  auto end() const { return fields_.end(); }
  void reserve(size_t count) { fields_.reserve(count); }

 private:
  std::vector<HeaderField> fields_;
};

/// A field name is a token, and a value has no control characters, so that no field can smuggle in
/// another one (RFC 9110 5.1, 5.5).
bool IsFieldName(std::string_view name);
bool IsFieldValue(std::string_view value);

}  // namespace http
