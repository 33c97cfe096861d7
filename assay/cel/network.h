#pragma once
// IP addresses and prefixes as values: net.IP and net.CIDR.

#include <array>
#include <string>
#include <string_view>

#include "assay/cel/value.h"

namespace assay::cel {

inline constexpr std::string_view kIpTypeName = "net.IP";
inline constexpr std::string_view kCidrTypeName = "net.CIDR";

/// An address in network order; `size` is 4 or 16.
struct IpAddress {
  std::array<unsigned char, 16> bytes{};
  int size = 4;

  /// An IPv4-mapped IPv6 address as the IPv4 address; others as they are.
  IpAddress Unmapped() const;
  std::string ToText() const;
  bool operator==(const IpAddress& other) const;
};

/// An address with the length of its network prefix in bits; host bits are kept.
struct Cidr {
  IpAddress address;
  int prefix = 0;

  IpAddress Masked() const;
  bool Contains(const IpAddress& address) const;
  std::string ToText() const;
  bool operator==(const Cidr&) const = default;
};

Value ToValue(const IpAddress& address);
Value ToValue(const Cidr& cidr);
/// nullptr when the value is something else.
const IpAddress* AsIpAddress(const Value& value);
const Cidr* AsCidr(const Value& value);

/// `10.0.0.1`, `2001:db8::1`; an error value for anything else, zones and dotted IPv4-mapped forms.
Value ParseIpAddress(std::string_view text);
/// `10.0.0.0/8`, `2001:db8::/32`.
Value ParseCidr(std::string_view text);

}  // namespace assay::cel
