#include "assay/cel/library/schema_formats.h"

#include <array>
#include <string>
#include <utility>

#include <re2/re2.h>

#include "assay/cel/network.h"
#include "assay/cel/text.h"

namespace assay::cel {
namespace {

bool IsDateTime(std::string_view text) { return ParseTimestamp(text).has_value(); }
bool IsDate(std::string_view text) { return IsDateTime(std::string(text) + "T00:00:00Z"); }
bool IsTime(std::string_view text) { return IsDateTime("2000-01-02T" + std::string(text)); }

/// RFC 3339, appendix A.
bool IsIsoDuration(std::string_view text) {
  static const re2::RE2 kPattern(
      R"(P(\d+W|(\d+Y)?(\d+M)?(\d+D)?(T(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?))");
  return text != "P" && !text.ends_with('T') && re2::RE2::FullMatch(text, kPattern);
}
/// RFC 9562, section 4, in either case.
bool IsUuid(std::string_view text) {
  static const re2::RE2 kPattern("[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}");
  return re2::RE2::FullMatch(text, kPattern);
}
/// The dot-atom form of RFC 5322.
bool IsEmail(std::string_view text) {
  static const re2::RE2 kPattern(
      R"([\w!#$%&'*+/=?^`{|}~-]+(\.[\w!#$%&'*+/=?^`{|}~-]+)*@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*)");
  return re2::RE2::FullMatch(text, kPattern);
}
bool IsIp(std::string_view text, int size) {
  const Value address = ParseIpAddress(text);
  return !address.is_error() && AsIpAddress(address)->size == size;
}
bool IsIpv4(std::string_view text) { return IsIp(text, 4); }
bool IsIpv6(std::string_view text) { return IsIp(text, 16); }
/// RFC 3986: a scheme and nothing that would have to be percent-encoded.
bool IsUri(std::string_view text) {
  static const re2::RE2 kPattern(
      R"([A-Za-z][A-Za-z0-9+.-]*:([A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*)");
  return re2::RE2::FullMatch(text, kPattern);
}
/// RFC 1123, section 2.1.
bool IsHostname(std::string_view text) {
  static const re2::RE2 kPattern(
      "([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)(\\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}"
      "[A-Za-z0-9])?)*");
  return text.size() <= 253 && re2::RE2::FullMatch(text, kPattern);
}

}  // namespace

SchemaFormat FindSchemaFormat(std::string_view name) {
  static constexpr std::array<std::pair<std::string_view, SchemaFormat>, 10> kFormats = {
      {{"date-time", &IsDateTime},
       {"date", &IsDate},
       {"time", &IsTime},
       {"duration", &IsIsoDuration},
       {"uuid", &IsUuid},
       {"email", &IsEmail},
       {"ipv4", &IsIpv4},
       {"ipv6", &IsIpv6},
       {"uri", &IsUri},
       {"hostname", &IsHostname}}};
  for (const auto& [known, format] : kFormats)
    if (known == name) return format;
  return nullptr;
}

}  // namespace assay::cel
