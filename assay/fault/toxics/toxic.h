#pragma once
// A toxic: what a proxy does to one direction of its connections. Names, parameters and JSON are
// those of Toxiproxy (github.com/Shopify/toxiproxy, README), so that its clients can be used; what
// is added to them is optional.

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>

#include "assay/fault/toxics/window.h"
#include "lib/base/clock.h"
#include "lib/base/result.h"

namespace assay::fault {

/// Upstream: from the client to the server.
enum class Direction { kUpstream, kDownstream };
std::string_view ToString(Direction direction);

/// What a toxic did to connections: the proof of its effect.
struct Effect {
  uint64_t connections = 0;    ///< to which it did anything
  uint64_t bytes_delayed = 0;  ///< that left later than they came
  base::Duration delay{};      ///< sum over the chunks that were delayed
  uint64_t bytes_dropped = 0;  ///< that never left
  uint64_t closed = 0;         ///< connections that it closed
  uint64_t reset = 0;          ///< connections that it reset
  uint64_t messages = 0;       ///< HTTP messages that its rule matched
  uint64_t answered = 0;       ///< HTTP requests that it answered itself
};
boost::json::object ToJson(const Effect& effect);

/// As it is asked for.
struct ToxicSpec {
  std::string name;  ///< unique in its proxy; `<type>_<stream>` when not given
  std::string type;  ///< one of ToxicTypes()
  Direction stream = Direction::kDownstream;
  double toxicity = 1;             ///< share of the connections that it concerns, 0 to 1
  boost::json::object attributes;  ///< complete and checked
  Window window = {};
};

/// A toxic of a proxy. Shared by the chains of all its connections.
struct Toxic {
  ToxicSpec spec;
  base::SteadyTime made{};  ///< where its window starts
  Effect effect = {};
};

enum class AttributeKind { kInteger, kFraction, kText };

/// One attribute of a type of toxic. Numbers are not negative.
struct Attribute {
  std::string_view name;
  AttributeKind kind = AttributeKind::kInteger;
  double fallback = 0;    ///< of a text: ""
  double highest = 1e15;  ///< of a number
  std::string_view doc = {};
};

class Behaviour;

struct ToxicType {
  std::string_view name;
  std::string_view doc;
  std::vector<Attribute> attributes;
  std::unique_ptr<Behaviour> (*make)(const boost::json::object& attributes) = nullptr;
};

/// Every type: latency, bandwidth, slow_close, timeout, reset_peer, slicer, limit_data,
/// packet_loss, and of our own stream_gap, half_open, http.
std::span<const ToxicType> ToxicTypes();
/// Null when there is none.
const ToxicType* FindToxicType(std::string_view name);

/// `{name?, type, stream?, toxicity?, attributes?, after?, for?, every?}`; the last three are
/// durations such as "250ms", or milliseconds. kInvalid names what is wrong in Toxiproxy's words.
/// Attributes that the type does not have are passed over, as Toxiproxy does.
base::Result<ToxicSpec> ParseToxic(const boost::json::object& json);
/// The same with what `json` says changed: attributes, toxicity, window.
base::Result<ToxicSpec> ChangeToxic(ToxicSpec spec, const boost::json::object& json);
boost::json::object ToJson(const ToxicSpec& spec);

}  // namespace assay::fault
