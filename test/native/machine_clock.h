// MachineNanos: a monotonic clock, in nanoseconds, that stands still while the whole machine does. A virtual machine is
// not always run by its host: then nothing goes on for a second, and no promise of a second can be measured.
//
// A process of its own ticks every few milliseconds into a page that the test and its children share. The clock goes on
// by kMostAhead at most for each tick, so that it never counts a time in which not even the ticker ran. It is also the
// watchdog, since it alone goes on whatever the test does.
#pragma once

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <new>

namespace multiproc::check {

class MachineClock {
 public:
  static constexpr int64_t kTick = 5'000'000, kMostAhead = 20'000'000;

  MachineClock() {
    void* memory = mmap(nullptr, sizeof(Page), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) abort();
    page_ = new (memory) Page();
    page_->last.store(Monotonic());
    const pid_t test = getpid();
    ticker_ = fork();
    if (ticker_ < 0) abort();
    if (ticker_ == 0) Tick(test);
  }
  // Only by the process that made it: its children leave by _exit().
  ~MachineClock() {
    kill(ticker_, SIGKILL);
    waitpid(ticker_, nullptr, 0);
    munmap(page_, sizeof(Page));
  }
  MachineClock(const MachineClock&) = delete;
  MachineClock& operator=(const MachineClock&) = delete;

  int64_t Nanos() const {
    // A tick that was seen whole, or another round. All in one total order: the sanitizer for threads knows no fences.
    for (;;) {
      const uint64_t before = page_->version.load();
      const int64_t counted = page_->counted.load();
      const int64_t last = page_->last.load();
      if (before % 2 != 0 || page_->version.load() != before) continue;
      return counted + std::clamp<int64_t>(Monotonic() - last, 0, kMostAhead);
    }
  }
  // From now on the test called `name` may take so long, by this clock.
  void Watch(const char* name, int64_t nanos) const {
    strncpy(page_->name, name, sizeof page_->name - 1);
    page_->deadline.store(Nanos() + nanos);  // pairs with the load in Tick, for the name
  }

 private:
  struct Page {
    std::atomic<uint64_t> version{0};  // odd: being written
    std::atomic<int64_t> counted{0}, last{0};
    std::atomic<int64_t> deadline{INT64_MAX};
    char name[128] = {};
  };

  static int64_t Monotonic() {
    timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1'000'000'000 + now.tv_nsec;
  }
  [[noreturn]] void Tick(pid_t test) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_NAME, "machine_clock");
    while (getppid() == test) {
      const timespec pause = {0, kTick};
      nanosleep(&pause, nullptr);
      Advance();
      if (page_->counted.load() < page_->deadline.load()) continue;
      fprintf(stderr, "%s: hangs; the watchdog ends it\n", page_->name);
      fflush(stderr);
      kill(test, SIGABRT);
      // One that is stopped, or that holds the signal back.
      sleep(5);
      kill(test, SIGKILL);
    }
    _exit(0);
  }
  void Advance() {
    const int64_t now = Monotonic();
    page_->version.fetch_add(1);
    page_->counted.fetch_add(std::min(now - page_->last.load(), kMostAhead));
    page_->last.store(now);
    page_->version.fetch_add(1);
  }

  Page* page_;
  pid_t ticker_;
};

// Made by main(), before any thread.
inline const MachineClock* machine_clock = nullptr;

}  // namespace multiproc::check

namespace multiproc {

inline int64_t MachineNanos() { return check::machine_clock->Nanos(); }

}  // namespace multiproc
