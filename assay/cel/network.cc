#include "assay/cel/network.h"

#include <algorithm>
#include <charconv>
#include <memory>

#include <arpa/inet.h>
#include <fmt/format.h>

namespace assay::cel {
namespace {

using base::ErrorCode;

class IpObject final : public Opaque {
 public:
  explicit IpObject(const IpAddress& held) : address(held) {}
  std::string_view type_name() const override { return kIpTypeName; }
  bool Equals(const Opaque& other) const override {
    return address == static_cast<const IpObject&>(other).address;
  }
  std::string ToText() const override { return address.ToText(); }

  const IpAddress address;
};

class CidrObject final : public Opaque {
 public:
  explicit CidrObject(const Cidr& held) : cidr(held) {}
  std::string_view type_name() const override { return kCidrTypeName; }
  bool Equals(const Opaque& other) const override {
    return cidr == static_cast<const CidrObject&>(other).cidr;
  }
  std::string ToText() const override { return cidr.ToText(); }

  const Cidr cidr;
};

/// "" when parsed; else what is wrong with the text.
std::string_view ParseAddress(std::string_view text, IpAddress& address) {
  if (text.find('%') != std::string_view::npos) return "a zone is not allowed";
  const bool colons = text.find(':') != std::string_view::npos;
  if (colons && text.find('.') != std::string_view::npos)
    return "an IPv4 address inside an IPv6 address is not allowed";
  constexpr std::string_view kExpected = "expected a form like 192.168.0.1 or 2001:db8::68";
  if (text.find('\0') != std::string_view::npos) return kExpected;
  address.size = colons ? 16 : 4;
  const int family = colons ? AF_INET6 : AF_INET;
  const std::string terminated(text);
  return inet_pton(family, terminated.c_str(), address.bytes.data()) == 1 ? "" : kExpected;
}

}  // namespace

IpAddress IpAddress::Unmapped() const {
  constexpr std::array<unsigned char, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
  if (size != 16 || !std::equal(kMapped.begin(), kMapped.end(), bytes.begin())) return *this;
  IpAddress address;
  std::copy_n(bytes.begin() + 12, 4, address.bytes.begin());
  return address;
}

std::string IpAddress::ToText() const {
  std::array<char, INET6_ADDRSTRLEN> buffer{};
  inet_ntop(size == 4 ? AF_INET : AF_INET6, bytes.data(), buffer.data(), buffer.size());
  return buffer.data();
}

bool IpAddress::operator==(const IpAddress& other) const {
  const IpAddress a = Unmapped();
  const IpAddress b = other.Unmapped();
  return a.size == b.size && a.bytes == b.bytes;
}

IpAddress Cidr::Masked() const {
  IpAddress masked = address;
  for (int i = 0; i < masked.size; ++i) {
    const int bits = std::clamp(prefix - i * 8, 0, 8);
    masked.bytes[static_cast<size_t>(i)] &= static_cast<unsigned char>(0xFF00 >> bits);
  }
  return masked;
}

bool Cidr::Contains(const IpAddress& other) const {
  return other.size == address.size && Cidr{other, prefix}.Masked() == Masked();
}

std::string Cidr::ToText() const { return fmt::format("{}/{}", address.ToText(), prefix); }

Value ToValue(const IpAddress& address) {
  return Value::OfOpaque(std::make_shared<const IpObject>(address));
}
Value ToValue(const Cidr& cidr) {
  return Value::OfOpaque(std::make_shared<const CidrObject>(cidr));
}

const IpAddress* AsIpAddress(const Value& value) {
  if (!value.is_opaque() || value.opaque().type_name() != kIpTypeName) return nullptr;
  return &static_cast<const IpObject&>(value.opaque()).address;
}
const Cidr* AsCidr(const Value& value) {
  if (!value.is_opaque() || value.opaque().type_name() != kCidrTypeName) return nullptr;
  return &static_cast<const CidrObject&>(value.opaque()).cidr;
}

Value ParseIpAddress(std::string_view text) {
  IpAddress address;
  const std::string_view wrong = ParseAddress(text, address);
  if (wrong.empty()) return ToValue(address);
  return Value::Error(ErrorCode::kInvalid, fmt::format("IP address \"{}\": {}", text, wrong));
}

Value ParseCidr(std::string_view text) {
  const size_t slash = text.find('/');
  const std::string_view length =
      slash == std::string_view::npos ? std::string_view() : text.substr(slash + 1);
  Cidr cidr;
  const std::string_view wrong = ParseAddress(text.substr(0, slash), cidr.address);
  if (!wrong.empty())
    return Value::Error(ErrorCode::kInvalid, fmt::format("network \"{}\": {}", text, wrong));
  const auto [end, code] =
      std::from_chars(length.data(), length.data() + length.size(), cidr.prefix);
  if (length.empty() || code != std::errc() || end != length.data() + length.size() ||
      cidr.prefix < 0 || cidr.prefix > cidr.address.size * 8)
    return Value::Error(ErrorCode::kInvalid,
                        fmt::format("network \"{}\": expected a prefix length from 0 to {} after /",
                                    text, cidr.address.size * 8));
  return ToValue(cidr);
}

}  // namespace assay::cel
