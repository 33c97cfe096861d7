// The network extension: IP addresses and prefixes.

#include "assay/cel/library/library.h"
#include "assay/cel/network.h"
#include "assay/cel/text.h"

namespace assay::cel {
namespace {

using Test = bool (*)(const IpAddress&);

bool IsIpv4(const IpAddress& ip) { return ip.size == 4; }

bool AllZero(const IpAddress& ip, size_t begin, size_t end) {
  for (size_t i = begin; i < end; ++i)
    if (ip.bytes[i] != 0) return false;
  return true;
}

// The ranges of the IANA special-purpose registries (RFC 6890 and RFC 4291, section 2).
bool IsUnspecified(const IpAddress& ip) { return AllZero(ip, 0, IsIpv4(ip) ? 4 : 16); }
bool IsLoopback(const IpAddress& ip) {
  return IsIpv4(ip) ? ip.bytes[0] == 127 : AllZero(ip, 0, 15) && ip.bytes[15] == 1;
}
bool IsLinkLocalMulticast(const IpAddress& ip) {
  if (IsIpv4(ip)) return ip.bytes[0] == 224 && ip.bytes[1] == 0 && ip.bytes[2] == 0;
  return ip.bytes[0] == 0xFF && (ip.bytes[1] & 0x0F) == 2;
}
bool IsLinkLocalUnicast(const IpAddress& ip) {
  if (IsIpv4(ip)) return ip.bytes[0] == 169 && ip.bytes[1] == 254;
  return ip.bytes[0] == 0xFE && (ip.bytes[1] & 0xC0) == 0x80;
}
bool IsMulticast(const IpAddress& ip) {
  return IsIpv4(ip) ? (ip.bytes[0] & 0xF0) == 0xE0 : ip.bytes[0] == 0xFF;
}
bool IsBroadcast(const IpAddress& ip) {
  return IsIpv4(ip) && ip.bytes[0] == 255 && ip.bytes[1] == 255 && ip.bytes[2] == 255 &&
         ip.bytes[3] == 255;
}
bool IsGlobalUnicast(const IpAddress& ip) {
  return !IsBroadcast(ip) && !IsUnspecified(ip) && !IsLoopback(ip) && !IsMulticast(ip) &&
         !IsLinkLocalUnicast(ip);
}

FunctionBody TestAddress(Test test) {
  return [test](Arguments arguments, CallContext&) {
    return Value::Bool(test(AsIpAddress(arguments[0])->Unmapped()));
  };
}

Value ToIp(Arguments arguments, CallContext&) { return ParseIpAddress(arguments[0].string()); }
Value ToCidr(Arguments arguments, CallContext&) { return ParseCidr(arguments[0].string()); }
Value IsIp(Arguments arguments, CallContext&) {
  return Value::Bool(!ParseIpAddress(arguments[0].string()).is_error());
}
Value IsCidr(Arguments arguments, CallContext&) {
  return Value::Bool(!ParseCidr(arguments[0].string()).is_error());
}
Value IsCanonical(Arguments arguments, CallContext&) {
  const Value ip = ParseIpAddress(arguments[0].string());
  if (ip.is_error()) return ip;
  return Value::Bool(ip.opaque().ToText() == arguments[0].string());
}
Value Family(Arguments arguments, CallContext&) {
  return Value::Int(IsIpv4(*AsIpAddress(arguments[0])) ? 4 : 6);
}
Value Text(Arguments arguments, CallContext&) { return Value::String(ToText(arguments[0])); }

/// The argument as an address or network, read from text if need be.
template <typename Parse>
Value Parsed(const Value& value, Parse parse) {
  return value.is_string() ? parse(value.string()) : value;
}

Value ContainsIp(Arguments arguments, CallContext&) {
  const Value ip = Parsed(arguments[1], &ParseIpAddress);
  if (ip.is_error()) return ip;
  return Value::Bool(AsCidr(arguments[0])->Contains(*AsIpAddress(ip)));
}
Value ContainsCidr(Arguments arguments, CallContext&) {
  const Value inner = Parsed(arguments[1], &ParseCidr);
  if (inner.is_error()) return inner;
  const Cidr& cidr = *AsCidr(inner);
  return Value::Bool(cidr.prefix >= AsCidr(arguments[0])->prefix &&
                     AsCidr(arguments[0])->Contains(cidr.address));
}
Value AddressOf(Arguments arguments, CallContext&) {
  return ToValue(AsCidr(arguments[0])->address);
}
Value Masked(Arguments arguments, CallContext&) {
  const Cidr& cidr = *AsCidr(arguments[0]);
  return ToValue(Cidr{cidr.Masked(), cidr.prefix});
}
Value PrefixLength(Arguments arguments, CallContext&) {
  return Value::Int(AsCidr(arguments[0])->prefix);
}

}  // namespace

void RegisterNetwork(FunctionTable& table) {
  Registrar registrar(table);
  const Type text = Type::String();
  const Type ip = Type::Opaque(std::string(kIpTypeName));
  const Type cidr = Type::Opaque(std::string(kCidrTypeName));
  registrar.Global("ip", {text}, ip, &ToIp)
      .Global("cidr", {text}, cidr, &ToCidr)
      .Global("isIP", {text}, Type::Bool(), &IsIp)
      .Global("isCIDR", {text}, Type::Bool(), &IsCidr)
      .Global("ip.isCanonical", {text}, Type::Bool(), &IsCanonical)
      .Global("string", {ip}, text, &Text)
      .Global("string", {cidr}, text, &Text)
      .Member("family", {ip}, Type::Int(), &Family);
  const std::pair<const char*, Test> tests[] = {{"isUnspecified", &IsUnspecified},
                                                {"isLoopback", &IsLoopback},
                                                {"isGlobalUnicast", &IsGlobalUnicast},
                                                {"isLinkLocalMulticast", &IsLinkLocalMulticast},
                                                {"isLinkLocalUnicast", &IsLinkLocalUnicast}};
  for (const auto& [name, test] : tests)
    registrar.Member(name, {ip}, Type::Bool(), TestAddress(test));
  for (const Type& type : {ip, text})
    registrar.Member("containsIP", {cidr, type}, Type::Bool(), &ContainsIp);
  for (const Type& type : {cidr, text})
    registrar.Member("containsCIDR", {cidr, type}, Type::Bool(), &ContainsCidr);
  registrar.Member("ip", {cidr}, ip, &AddressOf)
      .Member("masked", {cidr}, cidr, &Masked)
      .Member("prefixLength", {cidr}, Type::Int(), &PrefixLength);
}

}  // namespace assay::cel
