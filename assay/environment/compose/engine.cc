#include "assay/environment/compose/engine.h"

#include <fmt/format.h>
#include <re2/re2.h>

namespace assay::environment {

ToolCall ContainerEngine::Call(std::vector<std::string> words) const {
  words.insert(words.begin(), tool_.engine);
  return setting_.Call(std::move(words));
}

net::Task<base::Result<std::vector<Container>>> ContainerEngine::List(
    std::string project, base::Deadline deadline) const {
  std::vector<std::string> words{"ps", "-aq", "--filter",
                                 "label=com.docker.compose.project=" + project};
  CO_TRY(const ToolOutput listed, co_await CallToolOrFail(Call(std::move(words)), deadline));
  std::vector<std::string> inspect{"inspect", "--type", "container"};
  re2::StringPiece rest(listed.out);
  std::string id;
  static const re2::RE2 word(R"(\s*(\S+))");
  while (re2::RE2::Consume(&rest, word, &id)) inspect.push_back(id);
  if (inspect.size() == 3) co_return std::vector<Container>{};
  CO_TRY(const ToolOutput described, co_await CallToolOrFail(Call(std::move(inspect)), deadline));
  co_return ParseContainers(described.out);
}

net::Task<base::Result<Container>> ContainerEngine::Inspect(std::string id,
                                                            base::Deadline deadline) const {
  std::vector<std::string> words{"inspect", "--type", "container", id};
  CO_TRY(const ToolOutput described, co_await CallTool(Call(std::move(words)), deadline));
  if (!described.succeeded()) {
    co_return base::Fail(base::ErrorCode::kNotFound,
                         fmt::format("the container {} is gone: {}", id, described.Tail(1)));
  }
  CO_TRY(auto containers, ParseContainers(described.out));
  if (containers.size() == 1) co_return std::move(containers.front());
  co_return base::Fail(base::ErrorCode::kNotFound, fmt::format("the container {} is gone", id));
}

net::Task<base::Result<void>> ContainerEngine::Command(std::vector<std::string> words,
                                                       base::Deadline deadline) const {
  CO_TRY(co_await CallToolOrFail(Call(std::move(words)), deadline));
  co_return base::Result<void>();
}

net::Task<base::Result<void>> ContainerEngine::AwaitExit(std::string id,
                                                         base::Deadline deadline) const {
  std::vector<std::string> words{"wait", std::move(id)};
  CO_TRY(co_await CallToolOrFail(Call(std::move(words)), deadline));
  co_return base::Result<void>();
}

net::Task<base::Result<Container>> ContainerEngine::CheckHealth(std::string id,
                                                                base::Deadline deadline) const {
  CO_TRY(Container container, co_await Inspect(id, deadline));
  if (container.health.empty() || !tool_.is_podman() || container.status != "running") {
    co_return container;
  }
  std::vector<std::string> words{"healthcheck", "run", id};
  CO_TRY(const ToolOutput checked, co_await CallTool(Call(std::move(words)), deadline));
  if (checked.succeeded()) {
    container.health = "healthy";
    co_return container;
  }
  co_return co_await Inspect(std::move(id), deadline);
}

net::Task<base::Result<void>> ContainerEngine::Follow(
    std::string id, std::string since, std::function<void(std::string_view)> sink) const {
  std::vector<std::string> words{"logs", "-f"};
  if (!since.empty()) words.insert(words.end(), {"--since", std::move(since)});
  words.push_back(std::move(id));
  ToolCall call = Call(std::move(words));
  call.on_output = std::move(sink);
  call.keeps_output = false;
  CO_TRY(co_await CallTool(std::move(call), base::Deadline::Never()));
  co_return base::Result<void>();
}

}  // namespace assay::environment
