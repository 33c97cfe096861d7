#include "assay/plan/fake.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <span>
#include <utility>

#include <fmt/format.h>

namespace assay::plan {
namespace {

constexpr std::string_view kTypeName = "assay.Fake";

constexpr std::array<std::string_view, 40> kGivenNames = {
    "Ada",   "Ben",    "Carla", "David", "Elena", "Felix", "Grace", "Hugo",  "Iris",   "Jonas",
    "Karin", "Liam",   "Mara",  "Noah",  "Olga",  "Paul",  "Quinn", "Rosa",  "Simon",  "Tara",
    "Ugo",   "Vera",   "Wanda", "Xenia", "Yara",  "Zoe",   "Anton", "Berta", "Cyril",  "Dora",
    "Emil",  "Franka", "Georg", "Hanna", "Igor",  "Julia", "Kofi",  "Lena",  "Milosz", "Nadia"};

constexpr std::array<std::string_view, 40> kFamilyNames = {
    "Abel",   "Baker",  "Castro",  "Diaz",   "Ekberg", "Fischer", "Garcia",  "Haddad",
    "Ito",    "Jansen", "Kovacs",  "Larsen", "Moreau", "Novak",   "Okafor",  "Petrov",
    "Quist",  "Rossi",  "Santos",  "Tanaka", "Ueda",   "Varga",   "Weber",   "Xu",
    "Yilmaz", "Zeman",  "Andrade", "Bauer",  "Costa",  "Dubois",  "Eriksen", "Ferrari",
    "Gruber", "Horvat", "Ivanov",  "Keller", "Lopez",  "Meyer",   "Nguyen",  "Olsen"};

constexpr std::array<std::string_view, 48> kWords = {
    "amber",  "basin",  "cedar",   "delta",   "ember",  "fjord",  "grove",  "harbor",
    "inlet",  "jasper", "kelp",    "larch",   "meadow", "north",  "ocean",  "pebble",
    "quiet",  "river",  "stone",   "tide",    "upland", "valley", "willow", "yarrow",
    "zenith", "arch",   "birch",   "cliff",   "dune",   "elm",    "fern",   "glade",
    "heath",  "island", "juniper", "knoll",   "lake",   "marsh",  "nook",   "orchard",
    "pine",   "ridge",  "spring",  "thicket", "vista",  "wharf",  "bay",    "crag"};

constexpr std::array<std::string_view, 12> kStreets = {
    "Oak Street",  "Mill Lane",   "Station Road", "Park Avenue", "Church Street", "High Street",
    "Garden Road", "River Drive", "Hill Road",    "School Lane", "Market Square", "Bridge Street"};

constexpr std::array<std::string_view, 12> kTowns = {
    "Ashford",  "Brookfield", "Clayton",  "Dunmore",  "Eastvale", "Fairview",
    "Glenrock", "Hartwell",   "Kingsley", "Lakeside", "Milton",   "Northgate"};

template <size_t N>
std::string OneOf(FakeSource& source, const std::array<std::string_view, N>& list) {
  return std::string(list[source.Below(N)]);
}

std::string Lower(std::string text) {
  std::ranges::transform(text, text.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return text;
}

// The value of `fake` in one evaluation: each call draws from a source of its own, so that the
// number of values that one call needs never shifts the next.
class FakeObject final : public cel::Opaque {
 public:
  FakeObject(uint64_t seed, std::string_view place) : seed_(seed), place_(place) {}
  std::string_view type_name() const override { return kTypeName; }
  bool Equals(const cel::Opaque& other) const override { return this == &other; }
  std::string ToText() const override { return "fake"; }

  FakeSource NextCall() const { return {seed_, fmt::format("{}:{}", place_, calls_.fetch_add(1))}; }

 private:
  uint64_t seed_;
  std::string place_;
  mutable std::atomic<uint64_t> calls_ = 0;
};

FakeSource SourceOf(const cel::Value& receiver) {
  // The checker gives only FakeObjects to these functions; anything else has another type name.
  return static_cast<const FakeObject&>(receiver.opaque()).NextCall();
}

cel::Value WrongArgument(std::string message) {
  return cel::Value::Error(base::ErrorCode::kInvalid, std::move(message));
}

bool IsFake(const cel::Value& value) {
  return value.is_opaque() && value.opaque().type_name() == kTypeName;
}

template <typename Make>
void Declare(cel::Environment& environment, std::string name, std::vector<cel::Type> parameters,
             cel::Type result, Make make) {
  parameters.insert(parameters.begin(), cel::Type::Opaque(std::string(kTypeName)));
  environment.Function(std::move(name),
                       {.parameters = std::move(parameters),
                        .result = std::move(result),
                        .body =
                            [make](std::span<const cel::Value> arguments, cel::CallContext&) {
                              if (!IsFake(arguments[0]))
                                return WrongArgument("expected fake before the dot");
                              FakeSource source = SourceOf(arguments[0]);
                              return make(source, arguments.subspan(1));
                            },
                        .style = cel::Overload::Style::kMember});
}

void DeclareText(cel::Environment& environment, std::string name,
                 std::string (FakeSource::*draw)()) {
  Declare(environment, std::move(name), {}, cel::Type::String(),
          [draw](FakeSource& source, std::span<const cel::Value>) {
            return cel::Value::String((source.*draw)());
          });
}

}  // namespace

FakeSource::FakeSource(uint64_t run_seed, std::string_view place)
    : random_(base::Random::ForPart(run_seed, place)) {}

size_t FakeSource::Below(size_t bound) { return random_.Below(bound); }

std::string FakeSource::Mrn() { return fmt::format("MRN{:08}", random_.Below(100'000'000)); }
std::string FakeSource::GivenName() { return OneOf(*this, kGivenNames); }
std::string FakeSource::FamilyName() { return OneOf(*this, kFamilyNames); }

std::string FakeSource::Name() {
  std::string given = GivenName();
  return fmt::format("{} {}", given, FamilyName());
}

std::string FakeSource::Uuid() {
  const uint64_t high = (random_.Next() & ~0xF000ULL) | 0x4000ULL;
  const uint64_t low = (random_.Next() & ~(3ULL << 62)) | (2ULL << 62);
  return fmt::format("{:08x}-{:04x}-{:04x}-{:04x}-{:012x}", high >> 32, (high >> 16) & 0xFFFF,
                     high & 0xFFFF, low >> 48, low & 0xFFFF'FFFF'FFFFULL);
}

std::string FakeSource::Email() {
  const std::string given = Lower(GivenName());
  const std::string family = Lower(FamilyName());
  return fmt::format("{}.{}.{}@example.org", given, family, Below(100'000));
}

std::string FakeSource::DateOfBirth() {
  const int64_t year = Integer(1930, 2015);
  const int64_t month = Integer(1, 12);
  return fmt::format("{:04}-{:02}-{:02}", year, month, Integer(1, 28));
}

std::string FakeSource::Phone() {
  const int64_t area = Integer(200, 989);
  return fmt::format("+1-{}-555-01{:02}", area, Below(100));
}

std::string FakeSource::Address() {
  const int64_t number = Integer(1, 250);
  const std::string street = OneOf(*this, kStreets);
  const std::string town = OneOf(*this, kTowns);
  return fmt::format("{} {}, {:05} {}", number, street, Integer(10'000, 99'999), town);
}

int64_t FakeSource::Integer(int64_t low, int64_t high) {
  const uint64_t width = static_cast<uint64_t>(high) - static_cast<uint64_t>(low);
  if (width == UINT64_MAX) return static_cast<int64_t>(random_.Next());
  return static_cast<int64_t>(static_cast<uint64_t>(low) + random_.Below(width + 1));
}

std::string FakeSource::Word() { return OneOf(*this, kWords); }

std::string FakeSource::Sentence() {
  const size_t count = 5 + Below(6);
  std::string text;
  for (size_t i = 0; i < count; ++i) text += (i == 0 ? "" : " ") + Word();
  text[0] = static_cast<char>(text[0] - 'a' + 'A');
  return text + ".";
}

std::string FakeSource::Hex(size_t digits) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (size_t i = 0; i < digits; ++i) text += kDigits[Below(16)];
  return text;
}

void DeclareFake(cel::Environment& environment) {
  environment.Variable("fake", cel::Type::Opaque(std::string(kTypeName)));
  DeclareText(environment, "mrn", &FakeSource::Mrn);
  DeclareText(environment, "name", &FakeSource::Name);
  DeclareText(environment, "given_name", &FakeSource::GivenName);
  DeclareText(environment, "family_name", &FakeSource::FamilyName);
  DeclareText(environment, "uuid", &FakeSource::Uuid);
  DeclareText(environment, "email", &FakeSource::Email);
  DeclareText(environment, "date_of_birth", &FakeSource::DateOfBirth);
  DeclareText(environment, "phone", &FakeSource::Phone);
  DeclareText(environment, "address", &FakeSource::Address);
  DeclareText(environment, "word", &FakeSource::Word);
  DeclareText(environment, "sentence", &FakeSource::Sentence);
  Declare(environment, "integer", {cel::Type::Int(), cel::Type::Int()}, cel::Type::Int(),
          [](FakeSource& source, std::span<const cel::Value> bounds) {
            if (!bounds[0].is_int() || !bounds[1].is_int() ||
                bounds[0].int_value() > bounds[1].int_value()) {
              return WrongArgument("expected fake.integer(low, high) with low <= high");
            }
            return cel::Value::Int(source.Integer(bounds[0].int_value(), bounds[1].int_value()));
          });
  Declare(environment, "hex", {cel::Type::Int()}, cel::Type::String(),
          [](FakeSource& source, std::span<const cel::Value> digits) {
            constexpr int64_t kMost = 65'536;
            if (!digits[0].is_int() || digits[0].int_value() < 0 || digits[0].int_value() > kMost) {
              return WrongArgument("expected fake.hex(n) with n from 0 to 65536");
            }
            return cel::Value::String(source.Hex(static_cast<size_t>(digits[0].int_value())));
          });
  Declare(environment, "pick", {cel::Type::List(cel::Type::Param("T"))}, cel::Type::Param("T"),
          [](FakeSource& source, std::span<const cel::Value> list) {
            if (!list[0].is_list() || list[0].list().empty()) {
              return WrongArgument("expected fake.pick(list) with a list that is not empty");
            }
            return list[0].list()[source.Below(list[0].list().size())];
          });
}

cel::Value MakeFake(uint64_t run_seed, std::string_view place) {
  return cel::Value::OfOpaque(std::make_shared<FakeObject>(run_seed, place));
}

}  // namespace assay::plan
