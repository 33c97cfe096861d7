#pragma once
// Messages and tables of AMQP as values of the expression language, and back.

#include "assay/action/messaging/messaging.h"
#include "lib/queue/message.h"

namespace assay::action::messaging {

/// A map with text keys; durations, types and errors have no counterpart (kInvalid names the key).
base::Result<queue::Table> ToTable(const cel::Value& map, std::string_view name);
cel::Value FromTable(const queue::Table& table);

/// Fields of a message that is published: where to, body and properties.
std::vector<scenario::Field> PublicationFields();
base::Result<queue::Message> ReadPublication(const cel::Value& publish);

/// Fields of a message that came.
std::vector<scenario::Field> DeliveryFields();
cel::Value DeliveryValue(const queue::Delivery& delivery);

}  // namespace assay::action::messaging
