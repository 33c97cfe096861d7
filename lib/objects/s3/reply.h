#pragma once
// From an HTTP response to a Reply; for .cc files.

#include <string>
#include <utility>

#include "lib/base/result.h"
#include "lib/http/client.h"
#include "lib/objects/s3/model.h"

namespace objects::s3 {

/// Status, request id, and the refusal of a status from 300 on.
Answer ReadAnswer(const http::ClientResponse& response);
/// The same for a copy or completion, which may fail behind a status of 200: its body is then an
/// error.
Answer ReadLateAnswer(const http::ClientResponse& response);

base::Result<Stored> StoredFromHead(const http::ClientResponse& response);
base::Result<Stored> StoredFromBody(const http::ClientResponse& response);
base::Result<ObjectFacts> FactsFromHead(const http::ClientResponse& response);
base::Result<Deletion> DeletionFromHead(const http::ClientResponse& response);
base::Result<GotObject> GotObjectFrom(const http::ClientResponse& response);
base::Result<Nothing> NothingFrom(const http::ClientResponse& response);

/// `read` turns an accepted response into a value.
template <typename T, typename Read>
base::Result<Reply<T>> ReadReply(const http::ClientResponse& response, const Read& read) {
  Reply<T> reply{ReadAnswer(response), {}};
  if (!reply.accepted()) return reply;
  TRY(reply.value, read(response));
  return reply;
}

template <typename T, typename Read>
base::Result<Reply<T>> ReadLateReply(const http::ClientResponse& response, const Read& read) {
  Reply<T> reply{ReadLateAnswer(response), {}};
  if (!reply.accepted()) return reply;
  TRY(reply.value, read(response));
  return reply;
}

}  // namespace objects::s3
