#include "assay/action/stream/conversation_outcome.h"

namespace assay::action {
namespace {

using history::Disposition;
using history::Outcome;

void Fail(const base::Error& error, Outcome& outcome) {
  const bool interrupted = error.code == base::ErrorCode::kCancelled;
  outcome.disposition = interrupted ? Disposition::kInterrupted : Disposition::kError;
  outcome.error = error;
}

}  // namespace

Outcome ConversationOutcome(const base::Result<void>& ended, cel::Value variables,
                            const history::Conversation& conversation, BlobSink& blobs) {
  Outcome outcome{.value = std::move(variables)};
  if (!ended) Fail(ended.error(), outcome);
  auto transcript = history::RecordConversation(conversation, blobs);
  if (transcript) {
    outcome.transcript = *transcript;
    outcome.blobs = {*std::move(transcript)};
  } else {
    Fail(transcript.error(), outcome);
  }
  return outcome;
}

}  // namespace assay::action
