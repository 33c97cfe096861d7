#include "lib/objects/s3/upload.h"

#include "lib/net/runtime.h"

namespace objects::s3 {
namespace {

using base::Result;

/// Time to give parts up in; the deadline of the upload itself may be what ended it.
constexpr base::Duration kAbortTime = std::chrono::seconds(5);

template <typename From>
Reply<Uploaded> Refused(const Reply<From>& from) {
  return {static_cast<const Answer&>(from), {}};
}

ReplyTask<Uploaded> SendParts(Client& client, ObjectName name, std::string upload,
                              bool only_if_absent, size_t part_size, ReadPart read,
                              base::Deadline deadline) {
  Reply<Uploaded> reply;
  reply.value.upload = upload;
  std::vector<Part> parts;
  while (true) {
    CO_TRY(std::string content, co_await read(part_size));
    const bool last = content.size() < part_size;
    if (!content.empty() || parts.empty()) {
      reply.value.size += content.size();
      const int number = static_cast<int>(parts.size()) + 1;
      CO_TRY(const auto part,
             co_await client.PutPart(name, upload, number, std::move(content), deadline));
      if (!part.accepted()) co_return Refused(part);
      parts.push_back(part.value);
    }
    if (last) break;
  }
  reply.value.parts = static_cast<int>(parts.size());
  CO_TRY(const auto stored,
         co_await client.CompleteUpload(name, upload, std::move(parts), only_if_absent, deadline));
  if (!stored.accepted()) co_return Refused(stored);
  static_cast<Answer&>(reply) = stored;
  reply.value.stored = stored.value;
  if (stored.value.etag.empty()) {
    name.version = stored.value.version;
    CO_TRY(const auto facts, co_await client.Head(std::move(name), deadline));
    reply.value.stored.etag = facts.value.etag;
  }
  co_return reply;
}

}  // namespace

ReplyTask<Uploaded> UploadInParts(Client& client, ObjectName name, PutOptions options,
                                  size_t part_size, ReadPart read, base::Deadline deadline) {
  const bool only_if_absent = options.only_if_absent;
  CO_TRY(const auto begun, co_await client.BeginUpload(name, std::move(options), deadline));
  if (!begun.accepted()) co_return Refused(begun);
  auto reply = co_await SendParts(client, name, begun.value, only_if_absent, part_size,
                                  std::move(read), deadline);
  if (!reply || !reply->accepted()) {
    // What became of it does not change the result, and a server forgets old uploads by its rules.
    (void)co_await net::Shielded(
        client.AbortUpload(name, begun.value, base::Deadline::After(kAbortTime)));
  }
  co_return reply;
}

}  // namespace objects::s3
