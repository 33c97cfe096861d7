#pragma once
// The container engine, podman or docker, as the services of a compose environment use it.

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "assay/environment/compose/compose_tool.h"
#include "assay/environment/compose/container.h"

namespace assay::environment {

class ContainerEngine {
 public:
  ContainerEngine(ComposeTool tool, ToolSetting setting)
      : tool_(std::move(tool)), setting_(std::move(setting)) {}

  const ComposeTool& tool() const { return tool_; }
  const ToolSetting& setting() const { return setting_; }

  /// All containers of a compose project, also ended ones.
  net::Task<base::Result<std::vector<Container>>> List(std::string project,
                                                       base::Deadline deadline) const;
  /// kNotFound when it is gone.
  net::Task<base::Result<Container>> Inspect(std::string id, base::Deadline deadline) const;
  /// `{"stop", "-t", "10", id}` and the like.
  net::Task<base::Result<void>> Command(std::vector<std::string> words,
                                        base::Deadline deadline) const;
  /// Returns when the container is not running.
  net::Task<base::Result<void>> AwaitExit(std::string id, base::Deadline deadline) const;
  /// The container with its present health. Podman checks nothing by itself where there is no
  /// systemd to remind it, so it is told to check now.
  net::Task<base::Result<Container>> CheckHealth(std::string id, base::Deadline deadline) const;
  /// Hands the container's output over as it comes, until it ends. `since`: RFC 3339, "": all.
  net::Task<base::Result<void>> Follow(std::string id, std::string since,
                                       std::function<void(std::string_view)> sink) const;

 private:
  ToolCall Call(std::vector<std::string> words) const;

  ComposeTool tool_;
  ToolSetting setting_;
};

}  // namespace assay::environment
