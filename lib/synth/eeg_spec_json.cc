#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "lib/base/suggest.h"
#include "lib/base/units.h"
#include "lib/synth/eeg_spec.h"

namespace synth {
namespace {

namespace json = boost::json;
using base::ErrorCode;
using base::Fail;
using base::Result;

std::string_view View(json::string_view text) { return {text.data(), text.size()}; }

std::unexpected<base::Error> Wrong(std::string_view path, const json::value& value,
                                   std::string_view expected) {
  std::string shown = json::serialize(value);
  if (shown.size() > 60) shown = shown.substr(0, 57) + "...";
  return Fail(ErrorCode::kInvalid, fmt::format("{} is {}, expected {}", path, shown, expected));
}

std::unexpected<base::Error> Unknown(std::string_view what, std::string_view path,
                                     std::string_view name, std::span<const FieldDoc> fields) {
  std::vector<std::string> names;
  for (const FieldDoc& field : fields) names.emplace_back(field.name);
  return Fail(base::Error{.code = ErrorCode::kInvalid,
                          .message = fmt::format("unknown {} \"{}\" in {}", what, name, path),
                          .hint = base::SuggestionFor(name, names)});
}

template <typename Target, typename Value>
Result<void> Set(Target& target, Result<Value> value) {
  if (!value) return std::unexpected(std::move(value).error());
  target = std::move(*value);
  return {};
}

Result<double> Number(std::string_view path, const json::value& value) {
  if (!value.is_number()) return Wrong(path, value, "a number");
  const auto number = value.to_number<double>();
  if (!std::isfinite(number)) return Wrong(path, value, "a finite number");
  return number;
}

Result<double> Positive(std::string_view path, const json::value& value) {
  TRY(const double number, Number(path, value));
  if (number <= 0) return Wrong(path, value, "a number above 0");
  return number;
}

/// Seconds: a number, or a duration such as "20m".
Result<double> Seconds(std::string_view path, const json::value& value) {
  if (value.is_number()) {
    TRY(const double number, Number(path, value));
    if (number < 0) return Wrong(path, value, "a duration like \"30s\", not negative");
    return number;
  }
  if (!value.is_string()) return Wrong(path, value, "a duration like \"30s\"");
  const auto duration = base::ParseDuration(View(value.get_string()));
  if (!duration) return Wrong(path, value, "a duration like \"30s\", \"20m\"");
  return std::chrono::duration<double>(*duration).count();
}

Result<std::string> Text(std::string_view path, const json::value& value) {
  if (!value.is_string()) return Wrong(path, value, "a string");
  return std::string(View(value.get_string()));
}

Result<std::vector<std::string>> Texts(const std::string& path, const json::value& value) {
  if (value.is_string()) {
    TRY(std::string one, Text(path, value));
    return std::vector{std::move(one)};
  }
  if (!value.is_array()) return Wrong(path, value, "a list of strings");
  std::vector<std::string> out;
  for (size_t i = 0; i < value.get_array().size(); ++i) {
    TRY(std::string one, Text(fmt::format("{}[{}]", path, i), value.get_array()[i]));
    out.push_back(std::move(one));
  }
  return out;
}

Result<std::chrono::year_month_day> Date(std::string_view path, const json::value& value) {
  TRY(const std::string text, Text(path, value));
  int year = 0;
  unsigned month = 0;
  unsigned day = 0;
  const auto number = [&](size_t from, size_t count, auto& into) {
    const char* const last = text.data() + from + count;
    const auto [end, error] = std::from_chars(text.data() + from, last, into);
    return error == std::errc() && end == last;
  };
  const bool shaped = text.size() == 10 && text[4] == '-' && text[7] == '-' && number(0, 4, year) &&
                      number(5, 2, month) && number(8, 2, day);
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(month),
                                         std::chrono::day(day)};
  if (!shaped || !date.ok()) return Wrong(path, value, "a date like 1980-02-29");
  return date;
}

/// Fills one Plant from its fields.
class PlantParser {
 public:
  PlantParser(std::string path, PlantKind kind) : path_(std::move(path)) { plant_.kind = kind; }

  Result<Plant> Parse(const json::value& fields) {
    if (fields.is_null()) return plant_;
    if (!fields.is_object())
      return Wrong(path_, fields, "an object with fields such as at, channels");
    for (const auto& [key, value] : fields.get_object()) TRY(Field(View(key), value));
    const PlantTraits& traits = TraitsOf(plant_.kind);
    if (traits.momentary && plant_.at_s.empty() && !plant_.every_s) {
      return Fail(base::Error{.code = ErrorCode::kInvalid,
                              .message = fmt::format("{} has neither at nor every", path_),
                              .hint = fmt::format("write {}: {{at: [30s]}}", traits.name)});
    }
    if (duration_s_) {
      if (plant_.at_s.empty()) {
        plant_.until_s = plant_.from_s + *duration_s_;
      } else {
        plant_.length_s = duration_s_;
      }
    }
    return plant_;
  }

 private:
  Result<void> Field(std::string_view name, const json::value& value) {
    const std::string path = fmt::format("{}.{}", path_, name);
    if (name == "at") return At(path, value);
    if (name == "channel" || name == "channels") return Set(plant_.channels, Texts(path, value));
    if (name == "every") return Set(plant_.every_s, Positive(Seconds(path, value), path, value));
    if (name == "from") return Set(plant_.from_s, Seconds(path, value));
    if (name == "until") return Set(plant_.until_s, Seconds(path, value));
    if (name == "duration") return Set(duration_s_, Positive(Seconds(path, value), path, value));
    if (name == "amplitude_uv") return Set(plant_.amplitude_uv, Number(path, value));
    if (name == "hz") {
      if (TraitsOf(plant_.kind).hz == 0) {
        return Fail(ErrorCode::kInvalid, fmt::format("{} is given, but {} has no frequency", path,
                                                     TraitsOf(plant_.kind).name));
      }
      return Set(plant_.hz, synth::Positive(path, value));
    }
    return Unknown("field", path_, name, PlantFields());
  }

  Result<void> At(const std::string& path, const json::value& value) {
    if (!value.is_array()) {
      TRY(const double one, Seconds(path, value));
      plant_.at_s = {one};
      return {};
    }
    for (size_t i = 0; i < value.get_array().size(); ++i) {
      TRY(const double one, Seconds(fmt::format("{}[{}]", path, i), value.get_array()[i]));
      plant_.at_s.push_back(one);
    }
    if (plant_.at_s.empty()) return Wrong(path, value, "at least one onset");
    return {};
  }

  static Result<double> Positive(Result<double> seconds, const std::string& path,
                                 const json::value& value) {
    if (seconds && *seconds <= 0) return Wrong(path, value, "a duration above 0");
    return seconds;
  }

  std::string path_;
  Plant plant_;
  std::optional<double> duration_s_;
};

Result<std::vector<Plant>> Plants(const json::value& value) {
  if (!value.is_array()) return Wrong("plant", value, "a list of {kind: fields}");
  std::vector<Plant> out;
  for (size_t i = 0; i < value.get_array().size(); ++i) {
    const json::value& entry = value.get_array()[i];
    const std::string path = fmt::format("plant[{}]", i);
    if (!entry.is_object() || entry.get_object().size() != 1) {
      return Wrong(path, entry, "one {kind: fields}");
    }
    const auto& only = *entry.get_object().begin();
    const std::string_view name = View(only.key());
    const PlantTraits* traits = nullptr;
    std::vector<FieldDoc> kinds;
    for (const PlantTraits& candidate : PlantKinds()) {
      kinds.push_back({candidate.name, "", candidate.doc});
      if (candidate.name == name) traits = &candidate;
    }
    if (traits == nullptr) return Unknown("kind", path, name, kinds);
    TRY(Plant plant,
        PlantParser(fmt::format("{}.{}", path, name), traits->kind).Parse(only.value()));
    out.push_back(std::move(plant));
  }
  return out;
}

Result<void> AddStages(const std::string& path, std::string_view text,
                       std::vector<SleepStage>& out) {
  uint32_t count = 1;
  std::string_view name = text;
  bool counted = true;
  if (const size_t star = text.find('*'); star != std::string_view::npos) {
    name = text.substr(0, star);
    const char* const last = text.data() + text.size();
    const auto [end, error] = std::from_chars(text.data() + star + 1, last, count);
    counted = error == std::errc() && end == last && count > 0 && count <= 100'000;
  }
  for (const SleepStage stage :
       {SleepStage::kWake, SleepStage::kN1, SleepStage::kN2, SleepStage::kN3, SleepStage::kRem}) {
    if (!counted || ToString(stage) != name) continue;
    out.insert(out.end(), count, stage);
    return {};
  }
  return Fail(ErrorCode::kInvalid,
              fmt::format("{} is \"{}\", expected W, N1, N2, N3 or REM, or one repeated: N2*20",
                          path, text));
}

/// `open*30s`.
Result<EyesFor> EyesPart(const std::string& path, const json::value& value) {
  constexpr std::string_view kForm = "eyes and how long, like \"open*30s\", in multiples of 3 s";
  TRY(const std::string text, Text(path, value));
  const size_t star = std::min(text.find('*'), text.size());
  const std::string name = text.substr(0, star);
  if ((name != "open" && name != "closed") || star == text.size()) return Wrong(path, value, kForm);
  TRY(const double seconds, Seconds(path, json::value(text.substr(star + 1))));
  const double hops = seconds / kEyesGrainS;
  if (hops < 1 || hops != std::floor(hops)) return Wrong(path, value, kForm);
  return EyesFor{name == "open", seconds};
}

Result<std::vector<EyesFor>> EyesPlan(const json::value& value) {
  if (value == "open" || value == "closed") return std::vector{EyesFor{value == "open", 1e10}};
  if (!value.is_array() || value.get_array().empty()) {
    return Wrong("eyes", value, "open, closed or a list like [\"closed*60s\", \"open*30s\"]");
  }
  std::vector<EyesFor> out;
  for (size_t i = 0; i < value.get_array().size(); ++i) {
    TRY(const EyesFor part, EyesPart(fmt::format("eyes[{}]", i), value.get_array()[i]));
    out.push_back(part);
  }
  return out;
}

Result<ChosenTraits> Traits(const json::value& value) {
  if (!value.is_object()) return Wrong("subject", value, "an object of traits");
  ChosenTraits out;
  for (const auto& [key, field] : value.get_object()) {
    const auto found = std::ranges::find(TraitRanges(), View(key), &TraitRange::name);
    if (found == TraitRanges().end())
      return Unknown("field", "subject", View(key), SubjectFields());
    TRY(out[static_cast<size_t>(found->trait)],
        Number(fmt::format("subject.{}", View(key)), field));
  }
  return out;
}

/// Reads the whole object, field by field.
class SpecParser {
 public:
  Result<EegSpec> Parse(const json::object& object) {
    for (const auto& [key, value] : object) TRY(Field(View(key), value));
    if (spec_.channels.empty()) {
      TRY(spec_.channels, FirstChannels(19));
    }
    if (!has_duration_ && !spec_.hypnogram.empty()) {
      spec_.duration_s = kEpochSeconds * static_cast<double>(spec_.hypnogram.size());
    }
    if (night_) {
      const double epochs = std::ceil(spec_.duration_s / kEpochSeconds);
      if (epochs > 100'000) return Fail(ErrorCode::kTooLarge, "a night has at most 100000 epochs");
      spec_.hypnogram = PlanNight(static_cast<size_t>(epochs), spec_.seed, *night_);
    }
    return std::move(spec_);
  }

 private:
  Result<void> Field(std::string_view name, const json::value& value) {
    if (name == "channels") return Channels(value);
    if (name == "rate") return Set(spec_.rate_hz, Positive(name, value));
    if (name == "duration") {
      has_duration_ = true;
      return Set(spec_.duration_s, Seconds(name, value));
    }
    if (name == "seed") return Seed(value);
    if (name == "format") return Format(value);
    if (name == "record_duration") return Set(spec_.record_duration_s, Seconds(name, value));
    if (name == "start") return Start(value);
    if (name == "patient") return Patient(value);
    if (name == "background_uv") return Set(spec_.background_uv, Positive(name, value));
    if (name == "subject") return Set(spec_.subject, Traits(value));
    if (name == "eyes") return Set(spec_.eyes, EyesPlan(value));
    if (name == "annotate") {
      if (!value.is_bool()) return Wrong(name, value, "true or false");
      spec_.annotate = value.get_bool();
      return {};
    }
    if (name == "plant") return Set(spec_.plants, Plants(value));
    if (name == "hypnogram") return Hypnogram(value);
    return Unknown("field", "edf", name, EegSpecFields());
  }

  Result<void> Channels(const json::value& value) {
    if (!value.is_number()) return Set(spec_.channels, Texts("channels", value));
    TRY(const double count, Number("channels", value));
    if (count != std::floor(count) || count < 1 || count > 9999) {
      return Wrong("channels", value, "a count or a list of names");
    }
    return Set(spec_.channels, FirstChannels(static_cast<size_t>(count)));
  }

  Result<void> Seed(const json::value& value) {
    if (value.is_uint64()) {
      spec_.seed = value.get_uint64();
    } else if (value.is_int64() && value.get_int64() >= 0) {
      spec_.seed = static_cast<uint64_t>(value.get_int64());
    } else {
      return Wrong("seed", value, "an integer, not negative");
    }
    return {};
  }

  Result<void> Format(const json::value& value) {
    TRY(const std::string name, Text("format", value));
    if (name == "edf") {
      spec_.format = EegFormat::kEdf;
    } else if (name == "edf+") {
      spec_.format = EegFormat::kEdfPlus;
    } else if (name == "bdf") {
      spec_.format = EegFormat::kBdf;
    } else if (name == "bdf+") {
      spec_.format = EegFormat::kBdfPlus;
    } else {
      return Wrong("format", value, "edf, edf+, bdf or bdf+");
    }
    return {};
  }

  Result<void> Start(const json::value& value) {
    constexpr std::string_view kForm = "a local time like 2026-01-01T09:00:00";
    TRY(const std::string text, Text("start", value));
    if (text.size() != 19 || text[10] != 'T' || text[13] != ':' || text[16] != ':') {
      return Wrong("start", value, kForm);
    }
    const auto date = Date("start", json::value(text.substr(0, 10)));
    const auto two = [&](size_t at) {
      unsigned number = 99;
      std::from_chars(text.data() + at, text.data() + at + 2, number);
      return number;
    };
    if (!date || two(11) > 23 || two(14) > 59 || two(17) > 59) return Wrong("start", value, kForm);
    spec_.start = std::chrono::local_days(*date) + std::chrono::hours(two(11)) +
                  std::chrono::minutes(two(14)) + std::chrono::seconds(two(17));
    return {};
  }

  Result<void> Patient(const json::value& value) {
    static constexpr auto kFields = std::to_array<FieldDoc>({{"code", "string", "hospital number"},
                                                             {"sex", "F | M", "sex"},
                                                             {"birthdate", "date", "date of birth"},
                                                             {"name", "string", "name"}});
    if (!value.is_object()) return Wrong("patient", value, "an object");
    for (const auto& [key, field] : value.get_object()) {
      const std::string path = fmt::format("patient.{}", View(key));
      if (key == "code") {
        TRY(Set(spec_.patient.code, Text(path, field)));
      } else if (key == "sex") {
        TRY(Set(spec_.patient.sex, Text(path, field)));
      } else if (key == "name") {
        TRY(Set(spec_.patient.name, Text(path, field)));
      } else if (key == "birthdate") {
        TRY(Set(spec_.patient.birthdate, Date(path, field)));
      } else {
        return Unknown("field", "patient", View(key), kFields);
      }
    }
    return {};
  }

  Result<void> Hypnogram(const json::value& value) {
    if (value.is_string()) night_ = ParseNightKind(View(value.get_string()));
    if (night_) return {};
    if (!value.is_array()) return Wrong("hypnogram", value, "a list of stages or \"night\"");
    for (size_t i = 0; i < value.get_array().size(); ++i) {
      const std::string path = fmt::format("hypnogram[{}]", i);
      TRY(const std::string text, Text(path, value.get_array()[i]));
      TRY(AddStages(path, text, spec_.hypnogram));
    }
    return {};
  }

  EegSpec spec_;
  bool has_duration_ = false;
  std::optional<NightKind> night_;
};

}  // namespace

Result<EegSpec> ParseEegSpec(const json::object& object) { return SpecParser().Parse(object); }

}  // namespace synth
