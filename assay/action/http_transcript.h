#pragma once
// What was sent and received over HTTP, as evidence.

#include <string>
#include <string_view>

#include "assay/history/blob_store.h"
#include "lib/base/result.h"
#include "lib/http/client.h"

namespace assay::action {

/// Stores heads and bodies; returns the name for Outcome::transcript. `response` is null when none
/// came, `error` then says why.
base::Result<std::string> RecordTranscript(const http::ClientRequest& request,
                                           const http::ClientResponse* response,
                                           std::string_view error, history::BlobSink& blobs);

}  // namespace assay::action
