// Window features of recordings, computed on demand and cached.

#include <charconv>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "montage/analysis/features/feature_bytes.h"
#include "montage/analysis/features/feature_stage.h"
#include "montage/analysis/report_json.h"
#include "montage/api/submission.h"
#include "montage/recordings/edf_recording.h"

namespace montage::api {
namespace {

using analysis::kFeatureCount;
using base::ErrorCode;

base::Result<std::vector<float>> ComputeWindow(const Api& api, Services& services, const Call& call,
                                               const std::string& file_id, size_t window) {
  const base::SteadyTime start = api.parts().clock.Steady();
  TRY(const auto content, services.recordings.Open(file_id, call.deadline));
  TRY(const auto recording,
      recordings::EdfRecording::Open(*content, services.spool_dir, call.deadline));
  TRY(auto features, analysis::WindowFeatures::Create(recording->view()));
  if (window >= features.count()) {
    return base::Fail(ErrorCode::kNotFound,
                      fmt::format("there is no window {}; the recording has windows 0 to {}",
                                  window, features.count() - 1));
  }
  TRY(auto values, features.Compute(window, call.deadline));
  api.parts().metrics.CountInference("eegpt", analysis::kFeatureMethod.name,
                                     api.parts().clock.Steady() - start);
  return values;
}

base::Result<cache::Found> FindWindow(const Api& api, Services& services, const Call& call,
                                      const std::string& file_id, size_t window) {
  return services.cache.GetOrCompute(
      {.key = cache::CacheKey::Features(file_id, window),
       .is_usable =
           [](std::string_view bytes) { return analysis::ParseFeatureBytes(bytes).has_value(); },
       .compute = [&]() -> base::Result<std::string> {
         TRY(const auto values, ComputeWindow(api, services, call, file_id, window));
         return analysis::FeatureBytes(values);
       }},
      call.deadline);
}

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
  const auto found = FindWindow(api, services, call, file_id, window);
  if (!found) return api.Refuse(found.error(), call);
  // What was computed and what the cache found usable is a vector.
  const std::vector<float> values = *analysis::ParseFeatureBytes(found->value);
  boost::json::object body{{"file_id", file_id},
                           {"window", window},
                           {"start_s", static_cast<double>(window) * analysis::kFeatureStrideS},
                           {"values", boost::json::array(values.begin(), values.end())},
                           {"cached", nullptr}};
  if (found->level) body["cached"] = ToString(*found->level);
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
