#pragma once
// Tables and properties to and from rabbitmq-c's.

#include <amqp.h>

#include "lib/queue/message.h"

namespace queue::internal {

/// Memory of tables that are sent; freed at once.
class Pool {
 public:
  Pool() { init_amqp_pool(&pool_, 4096); }
  ~Pool() { empty_amqp_pool(&pool_); }
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;
  amqp_pool_t* get() { return &pool_; }

 private:
  amqp_pool_t pool_;
};

/// Views: the text must outlive the use.
amqp_bytes_t Bytes(const std::string& text);
/// Refers to the texts of `table`.
amqp_table_t ToAmqp(const Table& table, Pool& pool);
amqp_basic_properties_t ToAmqp(const Properties& properties, Pool& pool);

std::string FromAmqp(amqp_bytes_t bytes);
Table FromAmqp(const amqp_table_t& table);
Properties FromAmqp(const amqp_basic_properties_t& properties);

}  // namespace queue::internal
