// Semaphore: a counter that is taken from while it is above zero.
//
// Guarantee      The value never goes below 0 or above the maximum; each step is one CAS.
// Blocking       TryAcquire never; Acquire through BlockUntil.
// Process death  Permits have no owner (as in Python): what a dead process had taken stays taken.
// Memory order   ORDER(semaphore): what was written before Release is visible after the TryAcquire that took the
//                permit. Layout SyncBody.word = value; BlockHeader.parameter = initial value, maximum.
#pragma once

#include "core/arena.h"
#include "core/status.h"

namespace multiproc {

class Semaphore {
 public:
  explicit Semaphore(Block block) : block_(block), body_(block.sync()) {}

  // Before the block is known to anybody else.
  void Format(uint32_t value) { body_.word.Store(value, std::memory_order_relaxed); }

  Status TryAcquire() {
    uint32_t value = Value();
    do {
      if (value == 0) return kAgain;
    } while (!body_.word.CompareExchange(value, value - 1));  // ORDER(semaphore)
    body_.acquired.FetchAdd(1);
    // A wake for several permits may have been given to us alone.
    if (value > 1) Wake();
    return kOk;
  }

  Status Release(uint32_t n, uint32_t maximum) {
    uint32_t value = Value();
    do {
      if (n > maximum || value > maximum - n) return kOverRelease;
    } while (!body_.word.CompareExchange(value, value + n));  // ORDER(semaphore)
    // Ends when nobody is left, whatever a damaged summary says: n may be two thousand million.
    for (uint32_t i = 0; i < n && Wake(); i++) {
    }
    return kOk;
  }

  uint32_t Value() const { return body_.word.Load(std::memory_order_seq_cst); }

 private:
  bool Wake() {
    WaitQueue waiters = block_.waiters();
    return waiters.MayHaveWaiters() && waiters.RingOne(block_.registry());
  }

  Block block_;
  SyncBody& body_;
};

}  // namespace multiproc
