#pragma once
// The outcome of a conversation, with its transcript.

#include "assay/action/action.h"
#include "assay/cel/value.h"
#include "assay/history/conversation.h"

namespace assay::action {

/// Answered, or the error with what is known all the same; cancellation is kInterrupted.
history::Outcome ConversationOutcome(const base::Result<void>& ended, cel::Value variables,
                                     const history::Conversation& conversation, BlobSink& blobs);

}  // namespace assay::action
