#pragma once
// How requests to the guardian and errors from it look as JSON.

#include <boost/json/object.hpp>

#include "assay/environment/guardian/guardian.h"

namespace assay::environment::wire {

/// The descriptors travel beside it: stdin, stdout and stderr, those that are not -1, in that order
/// (`streams` says which).
boost::json::object FromStart(const StartRequest& request);
/// Descriptors are left -1.
StartRequest ToStart(const boost::json::object& body);

boost::json::object FromError(const base::Error& error);
base::Error ToError(const boost::json::object& body);

boost::json::object FromLimits(const EnforcedLimits& limits);
EnforcedLimits ToLimits(const boost::json::object& body);

/// Missing or of another type: 0 and "".
int64_t Int(const boost::json::object& body, std::string_view key);
std::string Text(const boost::json::object& body, std::string_view key);

}  // namespace assay::environment::wire
