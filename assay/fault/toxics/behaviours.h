#pragma once
// The makers of behaviours, one a type of toxic; types.cc lists them with their attributes.

#include <memory>

#include <boost/json/object.hpp>

#include "assay/fault/toxics/stage.h"

namespace assay::fault {

using MadeBehaviour = std::unique_ptr<Behaviour>;

// timing.cc: bytes come later.
MadeBehaviour MakeLatency(const boost::json::object& attributes);
MadeBehaviour MakeBandwidth(const boost::json::object& attributes);
MadeBehaviour MakeSlowClose(const boost::json::object& attributes);
MadeBehaviour MakeSlicer(const boost::json::object& attributes);
MadeBehaviour MakePacketLoss(const boost::json::object& attributes);

// cutting.cc: bytes do not come, or the connection ends.
MadeBehaviour MakeTimeout(const boost::json::object& attributes);
MadeBehaviour MakeResetPeer(const boost::json::object& attributes);
MadeBehaviour MakeLimitData(const boost::json::object& attributes);
MadeBehaviour MakeStreamGap(const boost::json::object& attributes);
MadeBehaviour MakeHalfOpen(const boost::json::object& attributes);

// http_rule.cc
MadeBehaviour MakeHttpRule(const boost::json::object& attributes);

}  // namespace assay::fault
