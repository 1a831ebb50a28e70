// Processes: P producers and C consumers on one ring, or a pair that plays ping-pong, each in a process of its own by
// fork.
//
// A Ring type gives: `static Ring Create(const Options&)`, called before the forks; `void Join()` and `void Leave()`,
// called around the use in each process, the creating one included; `void Put(const char*, uint32_t)` and `uint32_t
// Get(char* into, uint32_t room)`, which wait for ever.
#pragma once

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <ctime>
#include <vector>

#include "options.h"
#include "payload.h"
#include "platform/clock.h"
#include "platform/futex.h"

namespace multiproc::bench {

inline void* ShareMemory(size_t bytes) {
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  if (memory == MAP_FAILED) {
    std::perror("Cannot map shared memory");
    std::exit(1);
  }
  return memory;
}

template <typename Body>
pid_t StartProcess(Body body) {
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid < 0) {
    std::perror("Cannot fork");
    std::exit(1);
  }
  if (pid != 0) return pid;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(1);
  body();
  _exit(0);
}

inline void AwaitProcess(pid_t pid) {
  int status = 0;
  if (waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0) return;
  std::fprintf(stderr, "Cannot finish sample: a participant ended with status %d\n", status);
  std::exit(1);  // the kernel ends the other participants with us
}

// A barrier that nobody polls: the parent opens it once everybody has arrived.
struct Gate {
  std::atomic<uint32_t> arrived;
  std::atomic<uint32_t> open;

  void Arrive() {
    arrived.fetch_add(1);
    FutexWake(&arrived, 1);
    while (open.load() == 0) FutexWait(&open, 0, MonotonicNanos() + 1'000'000'000);
  }
  void OpenFor(uint32_t participants) {
    for (uint32_t now; (now = arrived.load()) < participants;)
      FutexWait(&arrived, now, MonotonicNanos() + 1'000'000'000);
    open.store(1);
    FutexWake(&open, INT32_MAX);
  }
};

template <typename Ring>
void RunStream(const Options& options) {
  const auto size = static_cast<uint32_t>(options.Number("size"));
  const auto producers = static_cast<uint32_t>(options.Number("producers"));
  const auto consumers = static_cast<uint32_t>(options.Number("consumers"));
  const uint64_t count = options.Number("count");
  const uint64_t expected = consumers == 1 ? producers * count : UINT64_MAX;

  // Gate, then the clock readings of all participants, then each consumer's counts and sums by producer.
  const size_t words = producers + consumers + 2ull * consumers * producers;
  auto* gate = static_cast<Gate*>(ShareMemory(sizeof(Gate) + words * sizeof(uint64_t)));
  auto* times = reinterpret_cast<int64_t*>(gate + 1);
  auto* counts = reinterpret_cast<uint64_t*>(times + producers + consumers);
  auto* sums = counts + static_cast<size_t>(consumers) * producers;
  Ring ring = Ring::Create(options);

  std::vector<pid_t> consumer_pids, producer_pids;
  for (uint32_t i = 0; i < consumers; i++) {
    consumer_pids.push_back(StartProcess([&, i] {
      ring.Join();
      Tally tally(size, producers, expected, counts + i * producers, sums + i * producers);
      std::vector<char> message(size);
      gate->Arrive();
      while (tally.Take(message.data(), ring.Get(message.data(), size))) {
      }
      times[producers + i] = MonotonicNanos();
      ring.Leave();
    }));
  }
  for (uint32_t i = 0; i < producers; i++) {
    producer_pids.push_back(StartProcess([&, i] {
      ring.Join();
      Source source(size, i);
      gate->Arrive();
      times[i] = MonotonicNanos();
      for (uint64_t n = 0; n < count; n++) ring.Put(source.Next(), size);
      ring.Leave();
    }));
  }
  gate->OpenFor(producers + consumers);
  for (const pid_t pid : producer_pids) AwaitProcess(pid);
  ring.Join();
  if (consumers > 1) {
    Source source(size, 0);
    for (uint32_t i = 0; i < consumers; i++) ring.Put(source.End(), size);
  }
  for (const pid_t pid : consumer_pids) AwaitProcess(pid);
  ring.Leave();

  for (uint32_t p = 0; p < producers; p++) {
    uint64_t arrived = 0, sum = 0;
    for (uint32_t c = 0; c < consumers; c++) {
      arrived += counts[c * producers + p];
      sum += sums[c * producers + p];
    }
    if (arrived != count || sum != count * (count - 1) / 2) {
      std::fprintf(stderr, "Cannot accept sample: producer %u sent %" PRIu64 " messages, %" PRIu64 " arrived\n", p,
                   count, arrived);
      std::exit(1);
    }
  }
  const int64_t first = *std::min_element(times, times + producers);
  const int64_t last = *std::max_element(times + producers, times + producers + consumers);
  ReportStream(producers * count, size, count, last - first);
}

template <typename Ring>
void RunRoundtrip(const Options& options) {
  const auto size = static_cast<uint32_t>(options.Number("size"));
  const uint64_t count = options.Number("count");
  const uint64_t warmup = options.Number("warmup");
  const timespec pause = {0, static_cast<long>(options.Number("pause") * 1'000'000)};
  Ring there = Ring::Create(options);
  Ring back = Ring::Create(options);

  const pid_t echo = StartProcess([&] {
    there.Join();
    back.Join();
    std::vector<char> message(size);
    for (uint64_t n = 0; n < warmup + count; n++) {
      const uint32_t length = there.Get(message.data(), size);
      back.Put(message.data(), length);
    }
    there.Leave();
    back.Leave();
  });
  there.Join();
  back.Join();
  Source source(size, 0);
  uint64_t counts = 0, sums = 0;
  Tally tally(size, 1, warmup + count, &counts, &sums);
  std::vector<char> message(size);
  std::vector<int64_t> times;
  times.reserve(count);
  for (uint64_t n = 0; n < warmup + count; n++) {
    if (n >= warmup && pause.tv_nsec > 0) nanosleep(&pause, nullptr);
    const char* ping = source.Next();
    const int64_t start = MonotonicNanos();
    there.Put(ping, size);
    const uint32_t length = back.Get(message.data(), size);
    const int64_t end = MonotonicNanos();
    tally.Take(message.data(), length);
    if (n >= warmup) times.push_back(end - start);
  }
  AwaitProcess(echo);
  there.Leave();
  back.Leave();

  int64_t elapsed = 0;
  for (const int64_t time : times) elapsed += time;
  std::sort(times.begin(), times.end());
  std::printf("{\"elapsedNs\":%" PRId64 ",\"count\":%" PRIu64 ",\"metrics\":{\"median\":%" PRId64 ",\"p99\":%" PRId64
              ",\"mean\":%.1f}}\n",
              elapsed, count, times[times.size() / 2], times[std::min(times.size() - 1, times.size() * 99 / 100)],
              static_cast<double>(elapsed) / static_cast<double>(times.size()));
}

}  // namespace multiproc::bench
