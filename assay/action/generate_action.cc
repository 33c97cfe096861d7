#include "assay/action/generate_action.h"

#include <filesystem>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "assay/cel/json.h"
#include "assay/cel/text.h"
#include "lib/base/suggest.h"
#include "lib/crypto/hash.h"
#include "lib/formats/edf/bytes.h"
#include "lib/synth/eeg.h"

namespace assay::action {
namespace {

using base::ErrorCode;
using base::Result;
using cel::Value;
using history::Disposition;
using history::Outcome;
using scenario::Field;
using scenario::Type;

// A seed must survive JSON numbers, which are exact up to 2^53.
constexpr uint64_t kSeedMask = (uint64_t{1} << 53) - 1;

/// Writes to a file and computes the digest on the way.
class DigestingSink final : public formats::edf::ByteSink {
 public:
  explicit DigestingSink(formats::edf::ByteSink& inner) : inner_(inner) {}
  Result<void> Write(std::span<const uint8_t> bytes) override {
    hash_.Update(std::as_bytes(bytes));
    return inner_.Write(bytes);
  }
  std::string FinishHex() { return hash_.FinishHex(); }

 private:
  formats::edf::ByteSink& inner_;
  crypto::Sha256 hash_;
};

struct Generated {
  std::string path;
  std::string sha256;
  synth::Truth truth;
};

Result<Generated> WriteEdf(const boost::json::object& description,
                           const std::filesystem::path& path, base::Deadline deadline) {
  TRY(synth::EegSpec spec, synth::ParseEegSpec(description));
  std::error_code error;
  std::filesystem::create_directories(path.parent_path(), error);
  if (error)
    return base::Fail(ErrorCode::kIo, fmt::format("cannot make {}: {}", path.parent_path().string(),
                                                  error.message()));
  TRY(auto file, formats::edf::FileSink::Create(path, deadline));
  DigestingSink sink(*file);
  Generated generated{.path = path.string()};
  TRY(generated.truth, synth::GenerateEeg(std::move(spec), sink));
  TRY(file->Close());
  generated.sha256 = sink.FinishHex();
  return generated;
}

Outcome Failed(base::Error error) {
  return {
      .disposition = Disposition::kError, .value = Value::Object({}), .error = std::move(error)};
}

std::vector<Field> EdfFields() {
  std::vector<Field> fields;
  for (const synth::FieldDoc& field : synth::EegSpecFields()) {
    fields.push_back({.name = std::string(field.name),
                      .type = Type::Any(),
                      .doc = fmt::format("{} ({})", field.doc, field.type)});
  }
  return fields;
}

}  // namespace

GenerateAction::GenerateAction() {
  schema_ = {.name = "generate",
             .doc = "Makes domain data with a known truth; the same seed gives the same bytes."};
  schema_.params = {
      .name = "generate",
      .doc = "What to make.",
      .fields = {
          {.name = "edf",
           .type = Type::Object(scenario::ObjectSchema{
               .name = "edf", .doc = "An EEG recording.", .fields = EdfFields()}),
           .required = true,
           .doc =
               "An EEG recording as EDF, EDF+ or BDF. Without `seed` it follows from the run's."},
          {.name = "path",
           .type = Type::String(),
           .doc = "File in the scenario's working directory; absent: a name of its own."}}};
  schema_.outcome = {
      {.name = "path", .type = Type::String(), .doc = "The file."},
      {.name = "size", .type = Type::Int(), .doc = "Bytes."},
      {.name = "sha256", .type = Type::String(), .doc = "Digest of the file."},
      {.name = "truth",
       .type = Type::Any(),
       .doc = "What it contains: channels, events, bad_channels, hypnogram, seed, ..."}};
}

std::string GenerateAction::Head(const Value& params) const {
  const Value* edf = params.Find("edf");
  if (edf == nullptr) return "generate";
  const Value* channels = edf->Find("channels");
  const Value* duration = edf->Find("duration");
  std::string head = "generate edf";
  if (channels != nullptr && channels->is_int())
    head += fmt::format(", {} channels", channels->int_value());
  if (duration != nullptr) head += ", " + cel::ToText(*duration);
  return head;
}

net::Task<Outcome> GenerateAction::Run(Value params, const ActionContext& context) const {
  const auto started = context.clock.Steady();
  const Value* edf = params.Find("edf");
  if (edf == nullptr || !edf->is_map()) {
    co_return Failed({ErrorCode::kInvalid, "parameter \"edf\" is no description of a recording"});
  }
  boost::json::object description = cel::ToJson(*edf).as_object();
  if (!description.contains("seed")) description["seed"] = context.seed & kSeedMask;
  const Value* name = params.Find("path");
  const std::filesystem::path relative =
      name != nullptr ? std::filesystem::path(cel::ToText(*name)).lexically_normal()
                      : std::filesystem::path(fmt::format("generated-{:016x}.edf", context.seed));
  if (relative.is_absolute() || relative.string().starts_with("..")) {
    co_return Failed(
        {ErrorCode::kInvalid,
         fmt::format("path \"{}\" leaves the scenario's working directory", relative.string())});
  }
  const std::filesystem::path path = std::filesystem::path(context.work_dir) / relative;
  auto made =
      co_await net::Offload(pool_, [&] { return WriteEdf(description, path, context.deadline); });
  if (!made) co_return Failed(std::move(made).error().While("generating a recording"));
  cel::MapBuilder map;
  map.Set("path", Value::String(made->path));
  map.Set("size", Value::Int(static_cast<int64_t>(made->truth.bytes)));
  map.Set("sha256", Value::String(made->sha256));
  map.Set("truth", cel::FromJson(synth::ToJson(made->truth)));
  co_return Outcome{.disposition = Disposition::kAnswered,
                    .value = std::move(map).Build(),
                    .duration = context.clock.Steady() - started};
}

}  // namespace assay::action
