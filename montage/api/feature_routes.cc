// Window features of recordings, computed on demand and cached.

#include <bit>
#include <charconv>
#include <cstring>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "montage/analysis/features/feature_stage.h"
#include "montage/analysis/report_json.h"
#include "montage/api/submission.h"
#include "montage/recordings/edf_recording.h"

namespace montage::api {
namespace {

using analysis::kFeatureCount;
using base::ErrorCode;

// Cached vectors are read back as they were written.
static_assert(std::endian::native == std::endian::little);

/// What a cached vector begins with: one of another version is computed anew.
std::string Heading() {
  return fmt::format("{}/{}\n", analysis::kFeatureMethod.name, analysis::kFeatureMethod.version);
}

std::string ToBytes(std::span<const float> values) {
  std::string bytes = Heading();
  const size_t heading = bytes.size();
  bytes.resize(heading + values.size_bytes());
  std::memcpy(bytes.data() + heading, values.data(), values.size_bytes());
  return bytes;
}

std::optional<std::vector<float>> FromBytes(std::string_view bytes) {
  const std::string heading = Heading();
  if (!bytes.starts_with(heading)) return std::nullopt;
  bytes.remove_prefix(heading.size());
  std::vector<float> values(kFeatureCount);
  if (bytes.size() != values.size() * sizeof(float)) return std::nullopt;
  std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

struct Features {
  std::vector<float> values;
  std::optional<storage::CacheLevel> cached;
};

/// Errors of the cache are told to the operators; the request goes on without it.
class FeatureReader {
 public:
  FeatureReader(const Api& api, Services& services, const Call& call)
      : api_(api), services_(services), call_(call) {}

  base::Result<Features> Read(const std::string& file_id, size_t window) {
    const std::string key = fmt::format("features:{}:{}", file_id, window);
    if (auto known = FromCache(key)) return *std::move(known);
    const base::SteadyTime start = api_.parts().clock.Steady();
    TRY(const auto content, services_.recordings.Open(file_id, call_.deadline));
    TRY(const auto recording,
        recordings::EdfRecording::Open(*content, services_.spool_dir, call_.deadline));
    TRY(auto features, analysis::WindowFeatures::Create(recording->view()));
    if (window >= features.count()) {
      return base::Fail(ErrorCode::kNotFound,
                        fmt::format("there is no window {}; the recording has windows 0 to {}",
                                    window, features.count() - 1));
    }
    TRY(auto values, features.Compute(window, call_.deadline));
    api_.parts().metrics.CountInference("eegpt", analysis::kFeatureMethod.name,
                                        api_.parts().clock.Steady() - start);
    if (const auto kept = services_.cache.Put(key, ToBytes(values), call_.deadline); !kept) {
      api_.parts().error_sink(kept.error());
    }
    return Features{std::move(values), std::nullopt};
  }

 private:
  std::optional<Features> FromCache(const std::string& key) {
    telemetry::Metrics& metrics = api_.parts().metrics;
    auto hit = services_.cache.Get(key, call_.deadline);
    if (!hit) api_.parts().error_sink(hit.error());
    const bool found = hit && hit->has_value();
    if (!found || (*hit)->level == storage::CacheLevel::kL2) metrics.CountCacheMiss("l1");
    if (!found) {
      metrics.CountCacheMiss("l2");
      return std::nullopt;
    }
    metrics.CountCacheHit(ToString((*hit)->level));
    auto values = FromBytes((*hit)->value);
    if (!values) return std::nullopt;
    return Features{*std::move(values), (*hit)->level};
  }

  const Api& api_;
  Services& services_;
  const Call& call_;
};

boost::json::array LayoutOf(std::span<const analysis::FeatureDoc> features) {
  boost::json::array out;
  for (const auto& feature : features) {
    out.push_back(boost::json::object{
        {"name", feature.name}, {"unit", feature.unit}, {"description", feature.doc}});
  }
  return out;
}

Outcome GetLayout() {
  boost::json::array names;
  for (const std::string& name : analysis::FeatureNames()) names.emplace_back(name);
  boost::json::object body{{"length", kFeatureCount},
                           {"window_s", analysis::kFeatureWindowS},
                           {"stride_s", analysis::kFeatureStrideS},
                           {"names", std::move(names)},
                           {"electrode_features", LayoutOf(analysis::ElectrodeFeatures())},
                           {"head_features", LayoutOf(analysis::HeadFeatures())}};
  return Reply{.body = analysis::WithMethod(std::move(body), analysis::kFeatureMethod)};
}

Outcome GetSummary(const Api& api, Services& services, Call& call) {
  const std::string& file_id = call.request.params.Get("file_id");
  if (const auto file = FindVisible(services, call, file_id); !file)
    return api.Refuse(file.error(), call);
  const auto summarise = [&]() -> base::Result<boost::json::object> {
    TRY(const auto content, services.recordings.Open(file_id, call.deadline));
    TRY(const auto recording,
        recordings::EdfRecording::Open(*content, services.spool_dir, call.deadline));
    TRY(const auto summary,
        analysis::SummariseFeatures(recording->view(),
                                    {.deadline = call.deadline, .clock = &api.parts().clock}));
    return ToJson(summary);
  };
  auto summary = summarise();
  if (!summary) return api.Refuse(summary.error(), call);
  boost::json::object body = analysis::WithMethod(*std::move(summary), analysis::kFeatureMethod);
  body["file_id"] = file_id;
  return Reply{.body = std::move(body)};
}

Outcome GetWindow(const Api& api, Services& services, Call& call) {
  const std::string& file_id = call.request.params.Get("file_id");
  const std::string& text = call.request.params.Get("window");
  if (const auto file = FindVisible(services, call, file_id); !file)
    return api.Refuse(file.error(), call);
  size_t window = 0;
  const char* end = text.data() + text.size();
  const auto [stop, status] = std::from_chars(text.data(), end, window);
  if (status != std::errc() || stop != end) {
    return Problem{.status = 404,
                   .error = "not_found",
                   .message = fmt::format("window \"{}\" is no whole number from 0", text)};
  }
  const auto features = FeatureReader(api, services, call).Read(file_id, window);
  if (!features) return api.Refuse(features.error(), call);
  boost::json::object body{
      {"file_id", file_id},
      {"window", window},
      {"start_s", static_cast<double>(window) * analysis::kFeatureStrideS},
      {"values", boost::json::array(features->values.begin(), features->values.end())},
      {"cached", nullptr}};
  if (features->cached) body["cached"] = ToString(*features->cached);
  return Reply{.body = analysis::WithMethod(std::move(body), analysis::kFeatureMethod)};
}

schema::Member MethodMember() {
  return {"method", schema::Object({{"name", schema::Text()}, {"version", schema::Text()}})};
}

boost::json::object LayoutSchema() {
  const auto docs = schema::List(schema::Object(
      {{"name", schema::Text()}, {"unit", schema::Text()}, {"description", schema::Text()}}));
  return schema::Object({{"length", schema::Integer(1)},
                         {"window_s", schema::Number(0)},
                         {"stride_s", schema::Number(0)},
                         {"names", schema::List(schema::Text())},
                         {"electrode_features", docs},
                         {"head_features", docs},
                         MethodMember(),
                         {"disclaimer", schema::Text()}});
}

boost::json::object SummarySchema() {
  return schema::Object({{"file_id", schema::Text()},
                         {"windows", schema::Integer(1)},
                         {"window_s", schema::Number(0)},
                         {"stride_s", schema::Number(0)},
                         {"length", schema::Integer(1)},
                         {"interpolated_channels", schema::List(schema::Text())},
                         {"missing_channels", schema::List(schema::Text())},
                         {"mean", schema::List(schema::Number())},
                         {"deviation", schema::List(schema::Number(0))},
                         MethodMember(),
                         {"disclaimer", schema::Text()}});
}

boost::json::object WindowSchema() {
  return schema::Object({{"file_id", schema::Text()},
                         {"window", schema::Integer(0)},
                         {"start_s", schema::Number(0)},
                         {"values", schema::List(schema::Number())},
                         {"cached", schema::Nullable(schema::Word({"l1", "l2"}))},
                         MethodMember(),
                         {"disclaimer", schema::Text()}});
}

}  // namespace

void AddFeatureRoutes(Api& api, Services& services) {
  using identity::Permission;
  api.Add({.path = "/api/v1/eeg/features",
           .id = "getFeatureLayout",
           .tag = "eeg",
           .summary = "Which number of a feature vector means what.",
           .permission = Permission::kReadOwn,
           .responses = {{200, {"The layout.", LayoutSchema()}}}},
          [](Call&) { return GetLayout(); });
  api.Add({.path = "/api/v1/eeg/files/{file_id}/features",
           .id = "summariseFeatures",
           .tag = "eeg",
           .summary = "Mean and deviation of the window features of a recording.",
           .permission = Permission::kReadOwn,
           .responses = {{200, {"The summary.", SummarySchema()}},
                         {404, {"There is no such recording."}},
                         {422, {"The recording is too short, or has no 10-20 electrode."}}}},
          [&api, &services](Call& call) { return GetSummary(api, services, call); });
  api.Add({.path = "/api/v1/eeg/files/{file_id}/features/{window}",
           .id = "getWindowFeatures",
           .tag = "eeg",
           .summary = "The 768 features of one window of 8 s; window n starts at 4 n s.",
           .permission = Permission::kReadOwn,
           .responses = {{200, {"The features.", WindowSchema()}},
                         {404, {"There is no such recording or window."}},
                         {422, {"The recording is too short, or has no 10-20 electrode."}}}},
          [&api, &services](Call& call) { return GetWindow(api, services, call); });
}

}  // namespace montage::api
