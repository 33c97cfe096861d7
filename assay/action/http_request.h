#pragma once
// From the evaluated parameters of an `http` step to the request that the client sends.

#include <string>
#include <string_view>

#include "assay/action/action.h"
#include "lib/base/result.h"
#include "lib/http/client.h"

namespace assay::action {

/// `POST api:/v1/x` taken apart; the method is GET when there is none.
struct RequestLine {
  std::string method;
  std::string endpoint;  ///< "" for the default endpoint or an absolute URL
  std::string target;    ///< a path that starts with `/`, or an absolute URL
};

/// kInvalid names what is wrong with the text.
base::Result<RequestLine> ParseRequestLine(std::string_view text);

/// kInvalid or kNotFound (endpoint, file) names the parameter. Relative file names start at the
/// scenario's folder.
base::Result<http::ClientRequest> BuildRequest(const cel::Value& params,
                                               const ActionContext& context);

}  // namespace assay::action
