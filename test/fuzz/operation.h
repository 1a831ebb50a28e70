// Operation: what is under way, what it may give, and for how long it may go on.
//
// Its length is counted in accesses to shared words, in sleeps, and in processor time: never by the clock, by which
// anything may take long on a busy machine. A sleep ends at a deadline that no word of shared memory can move, so
// that their number bounds their length too.
#pragma once

#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/time.h>

#include <initializer_list>
#include <utility>
#include <vector>

#include "lies.h"
#include "points.h"

namespace multiproc::fuzz {

[[noreturn]] inline void Finding(const char* what, const char* operation) {
  fprintf(stderr, "FINDING: %s, in %s\n", what, operation);
  abort();
}

// The operation under way. One thread acts for all participants.
class Operation {
 public:
  // Before the first operation of an input, which may take so much of a processor; the largest take a hundredth.
  static void BeginInput() {
    at_point = Hit;
    signal(SIGPROF, [](int) { Finding("it computes without end", Now().name_); });
    const itimerval limit = {{0, 0}, {kMostSeconds, 0}};
    setitimer(ITIMER_PROF, &limit, nullptr);
  }
  // `most`: accesses that it can need while nobody lies; each lie may make it start over.
  static void Begin(const char* name, uint64_t most, std::vector<Lie> lies) {
    Operation& now = Now();
    const long slept = Sleeps();
    if (slept - now.slept_ > kMostSleeps) Finding("it sleeps again and again", now.name_);
    now = {name, most * (lies.size() + 2), slept, std::move(lies)};
  }
  static void Require(bool fact, const char* what) {
    if (!fact) Finding(what, Now().name_);
  }
  static int64_t OneOf(int64_t status, std::initializer_list<int64_t> documented) {
    for (const int64_t each : documented) {
      if (status == each) return status;
    }
    fprintf(stderr, "status %lld\n", static_cast<long long>(status));
    Finding("an outcome that is not documented", Now().name_);
  }

 private:
  static constexpr time_t kMostSeconds = 20;
  // Two naps and the sleep itself, and each lie can wake the sleeper or send it there once more; the rest is for what
  // the kernel lets a thread wait for in other calls.
  static constexpr long kMostSleeps = 50;

  static Operation& Now() {
    static Operation now{"no operation", UINT64_MAX, Sleeps(), {}};
    return now;
  }
  static void Hit() {
    Operation& now = Now();
    if (++now.accesses_ > now.most_) Finding("it goes on without end", now.name_);
    for (const Lie& lie : now.lies_) {
      if (lie.at == now.accesses_) lie.Tell();
    }
  }
  static long Sleeps() {
    rusage used;
    getrusage(RUSAGE_THREAD, &used);
    return used.ru_nvcsw;
  }
  Operation(const char* name, uint64_t most, long slept, std::vector<Lie> lies)
      : name_(name), most_(most), slept_(slept), lies_(std::move(lies)) {}

  const char* name_;
  uint64_t accesses_ = 0;
  uint64_t most_;
  long slept_;
  std::vector<Lie> lies_;
};

}  // namespace multiproc::fuzz
