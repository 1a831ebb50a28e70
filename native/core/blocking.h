// Blocking: the one implementation of a synchronous wait; docs/semantics.md calls it "the wait".
//
// Guarantee      No wake is lost between a failed attempt and the sleep: the doorbell is read before the waiter is
//                registered, the attempt is repeated after it, and the kernel refuses to sleep on a doorbell that has
//                changed.
// Blocking       At most one slice (kSliceNanos), so that a wake swallowed by a dying process delays and never hangs,
//                and the caller can look whether its thread is being terminated.
// Process death  A dead waiter's registration is found by its waker (nobody slept) or by the reaper.
#pragma once

#include <algorithm>
#include <vector>

#include "core/registry.h"
#include "core/status.h"
#include "core/wait_queue.h"
#include "platform/clock.h"
#include "platform/cpu.h"
#include "platform/futex.h"

namespace multiproc {

inline constexpr int64_t kSliceNanos = 250'000'000;

// How long a thread polls before it sleeps. Adapts: doubles when polling succeeded, halves when it did not. One per
// environment; private memory.
class SpinBudget {
 public:
  explicit SpinBudget(bool useful) : nanos_(useful ? kStart : 0), useful_(useful) {}
  int64_t nanos() const { return nanos_; }
  void Succeeded() {
    if (useful_) nanos_ = std::min(nanos_ * 2, kMost);
  }
  void Failed() { nanos_ = useful_ ? std::max(nanos_ / 2, kLeast) : 0; }

 private:
  static constexpr int64_t kLeast = 1'000, kStart = 20'000, kMost = 50'000;
  int64_t nanos_;
  bool useful_;
};

// How a thread waits for one condition.
struct WaitManners {
  // What a thread does that was woken and cannot use it: wait on, or let the next one try (producers: it may need less
  // room).
  static constexpr bool kPassOn = false;
  // While it polls: is it time for an attempt?
  bool WorthTrying() const { return true; }
  // Once polling was in vain: how long to sleep next without being registered, so that nobody has to wake it; 0 to
  // register. Only where such a delay cannot leave the condition without somebody who acts on it. Before that it makes
  // an attempt, unless it leaves what is there to others.
  struct Nap {
    int64_t nanos = 0;
    bool attempt = true;
  };
  Nap NextNap() { return {}; }
  // After the last nap, before whatever it found is used.
  void NapsEnd() {}
};

// Repeats `attempt` until it returns something else than kAgain, for at most `wait_nanos` and one slice. A slice of
// another length is for tests alone: without slices a missing wake hangs, and is seen.
template <int64_t kSlice = kSliceNanos, typename Attempt, typename Manners = WaitManners>
Status BlockUntil(Registry& registry, WaitQueue queue, SpinBudget& spin, int64_t wait_nanos, Attempt attempt,
                  Manners manners = {}) {
  Status status = attempt();
  if (status != kAgain || wait_nanos <= 0) return status;

  const int64_t start = MonotonicNanos();
  if (spin.nanos() > 0) {
    const int64_t until = start + std::min(spin.nanos(), wait_nanos);
    do {
      for (int i = 0; i < 8; i++) CpuRelax();
      if (!manners.WorthTrying()) continue;
      status = attempt();
      if (status != kAgain) {
        spin.Succeeded();
        return status;
      }
    } while (MonotonicNanos() < until);
    spin.Failed();
  }

  const int64_t deadline = start + std::min(wait_nanos, kSlice);
  const uint32_t me = registry.self();
  const Shared<uint32_t>& doorbell = registry.slot(me).doorbell;
  for (int64_t now = 0; now < deadline;) {
    const WaitManners::Nap nap = manners.NextNap();
    if (nap.nanos == 0) break;
    // On the doorbell, which rings for everybody when the queue is shut down; read before the attempt, as below.
    const uint32_t bell = doorbell.Load(std::memory_order_seq_cst);
    if (nap.attempt) status = attempt();
    if (status != kAgain) break;
    FutexWait(doorbell.raw(), bell, std::min(deadline, MonotonicNanos() + nap.nanos));
    now = MonotonicNanos();
  }
  manners.NapsEnd();
  if (status != kAgain) return status;
  // Once per wait: two that need much could ring each other for ever.
  bool may_pass_on = Manners::kPassOn;
  for (;;) {
    // ORDER(doorbell): read before Arm; a waker that sees our bit changes it afterwards, and FutexWait then refuses.
    const uint32_t bell = doorbell.Load(std::memory_order_seq_cst);
    queue.Arm(me);
    status = attempt();
    bool timed_out = false;
    if (status == kAgain) {
      const FutexResult woke = FutexWait(doorbell.raw(), bell, deadline);
      status = attempt();
      timed_out = woke == FutexResult::kTimedOut || MonotonicNanos() >= deadline;
    }
    const bool rung = !queue.Disarm(me);
    if (status == kAgain && !timed_out) {
      if (rung && may_pass_on) {
        queue.RingOne(registry);
        may_pass_on = false;
      }
      continue;
    }
    if (status != kAgain) return status;
    // The slice is over, but a waker chose us meanwhile: use its wake or pass it on.
    if (rung) {
      status = attempt();
      if (status == kAgain) queue.RingOne(registry);
    }
    return status;
  }
}

// Sleeps until any of the words differs from what it is expected to be, or for `nanos`. Where the kernel can watch one
// word only, or there are too many, for a millisecond at most: the caller looks again anyway.
inline void SleepOnAny(const std::vector<FutexWatch>& watches, int64_t nanos) {
  constexpr int64_t kMillisecond = 1'000'000;
  const size_t watched = std::min(watches.size(), FutexWaitManyLimit());
  const int64_t most = watched < watches.size() ? kMillisecond : kSliceNanos;
  if (watched > 0) FutexWaitMany(watches.data(), watched, MonotonicNanos() + std::min(nanos, most));
}

}  // namespace multiproc
