#include "assay/action/action.h"
#include "assay/action/exec_action.h"
#include "assay/action/file_action.h"
#include "assay/action/generate_action.h"
#include "assay/action/http_action.h"
#include "assay/action/manual_action.h"
#include "assay/action/messaging/amqp_action.h"
#include "assay/action/messaging/mqtt_action.h"
#include "assay/action/messaging/redis_action.h"
#include "assay/action/metrics/metrics_action.h"
#include "assay/action/monitor/monitor_action.h"
#include "assay/action/s3/s3_action.h"
#include "assay/action/sql/sql_action.h"
#include "assay/action/stream/tcp_action.h"
#include "assay/action/stream/websocket_action.h"
#include "assay/action/wait_action.h"

namespace assay::action {

void RegisterBuiltinActions(ActionRegistry& registry) {
  registry.Add(std::make_unique<ExecAction>());
  registry.Add(std::make_unique<FileAction>());
  registry.Add(std::make_unique<GenerateAction>());
  registry.Add(std::make_unique<HttpAction>());
  registry.Add(std::make_unique<ManualAction>());
  registry.Add(std::make_unique<SqlAction>());
  registry.Add(std::make_unique<TcpAction>());
  registry.Add(std::make_unique<MetricsAction>());
  registry.Add(std::make_unique<MonitorAction>());
  registry.Add(std::make_unique<S3Action>());
  registry.Add(std::make_unique<RedisAction>());
  registry.Add(std::make_unique<AmqpAction>());
  registry.Add(std::make_unique<MqttAction>());
  registry.Add(std::make_unique<WaitAction>());
  registry.Add(std::make_unique<WebSocketAction>());
}

}  // namespace assay::action
