// At wire speed a request takes no memory. The loop of a load runs on the thread of the test, whose
// allocations are counted; the server allocates on another one.

#include <cstdlib>
#include <new>

#include <gtest/gtest.h>

#include "assay/workload/wire/wire_thread.h"
#include "lib/http/server.h"
#include "lib/net/service/background_loop.h"

namespace {

thread_local uint64_t allocations = 0;

void* Allocate(std::size_t size) {
  ++allocations;
  void* memory = std::malloc(size == 0 ? 1 : size);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

void* Allocate(std::size_t size, std::align_val_t alignment) {
  ++allocations;
  const auto step = static_cast<std::size_t>(alignment);
  void* memory = std::aligned_alloc(step, (size + step - 1) / step * step);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace

void* operator new(std::size_t size) { return Allocate(size); }
void* operator new[](std::size_t size) { return Allocate(size); }
void* operator new(std::size_t size, std::align_val_t alignment) {
  return Allocate(size, alignment);
}
void* operator new[](std::size_t size, std::align_val_t alignment) {
  return Allocate(size, alignment);
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

namespace assay::workload {
namespace {

class NoVariables final : public cel::Activation {
 public:
  std::optional<cel::Value> Find(std::string_view) const override { return std::nullopt; }
};

class WireAllocationsTest : public testing::Test {
 protected:
  WireAllocationsTest() {
    const auto answer = [](http::Request&) -> net::Task<http::Response> {
      co_return http::Response::Text(200, "ok\n");
    };
    server_ = http::Server::Start({loop_.executor()}, answer, {}).value();
    const http::ClientRequest request{.url = server_->url() + "/"};
    plan_.tasks.push_back({http::wire::ToWire(request, "test").value(), &step_});
    plan_.server = http::wire::Server::Of(plan_.tasks.front().request).value();
    plan_.variables = &variables_;
  }
  ~WireAllocationsTest() override {
    loop_.Run([](http::Server& server) -> net::Task<void> {
      co_await server.Shutdown(base::Deadline::After(std::chrono::seconds(5)));
    }(*server_));
    loop_.Stop();
  }

  /// How often the load took memory, from its first thread on to its last answer.
  uint64_t AllocationsOf(const Executor& executor, uint64_t requests) {
    Load load;
    load.executor = executor;
    load.tasks.push_back({.name = "get", .rows = nullptr});
    Flow flow(load, std::chrono::steady_clock::now());
    Collector collector(1);
    WireThread thread(load, plan_, flow, collector, 0, 1);
    const uint64_t before = allocations;
    thread.Run();
    const uint64_t taken = allocations - before;
    const Tally total = collector.Total();
    EXPECT_EQ(total.tasks[0].finished(), requests);
    EXPECT_EQ(total.tasks[0].failed, 0U);
    EXPECT_EQ(total.tasks[0].status[200 - 100], requests);
    return taken;
  }

  net::BackgroundLoop loop_;
  std::unique_ptr<http::Server> server_;
  plan::PlannedStep step_;
  NoVariables variables_;
  WirePlan plan_;
};

TEST_F(WireAllocationsTest, AllocationsAreCounted) {
  const uint64_t before = allocations;
  const auto one = std::make_unique<std::string>(1000, 'x');
  EXPECT_EQ(allocations - before, 2U);
}

TEST_F(WireAllocationsTest, MoreIterationsOfAClosedModelTakeNoMoreMemory) {
  const auto users = [](int64_t iterations) {
    return Executor{.kind = ExecutorKind::kSharedIterations, .vus = 8, .iterations = iterations};
  };
  const uint64_t few = AllocationsOf(users(200), 200);
  const uint64_t many = AllocationsOf(users(6200), 6200);
  EXPECT_GT(few, 0U) << "the users and their connections are made";
  EXPECT_EQ(many, few) << "6,000 more requests took memory " << many - few << " times";
}

TEST_F(WireAllocationsTest, MoreArrivalsOfAnOpenModelTakeNoMoreMemory) {
  // All users are there from the beginning: how many are needed depends on the machine.
  const auto arrivals = [](std::chrono::milliseconds span) {
    return Executor{.kind = ExecutorKind::kConstantArrivalRate,
                    .rate = 2000,
                    .duration = span,
                    .pre_allocated_vus = 64,
                    .max_vus = 64};
  };
  using std::chrono::milliseconds;
  const uint64_t few = AllocationsOf(arrivals(milliseconds(200)), 400);
  const uint64_t many = AllocationsOf(arrivals(milliseconds(1700)), 3400);
  EXPECT_EQ(many, few) << "3,000 more requests took memory " << many - few << " times";
}

}  // namespace
}  // namespace assay::workload
