// Event: a flag that many wait for.
//
// Guarantee      A wait that began before a Set returns, even if a Clear follows at once: every Set that finds it
//                clear changes the epoch, and a wait that begins while it is set counts from the epoch before, since
//                the next Set may change nothing.
// Blocking       Set, Clear, IsSet never; waiting through BlockUntil.
// Process death  Nothing to repair.
// Memory order   ORDER(event): what was written before Set is visible after the wait that it ended. Layout
//                SyncBody.word = epoch << 1 | set.
#pragma once

#include "core/arena.h"
#include "core/status.h"

namespace multiproc {

class Event {
 public:
  explicit Event(Block block) : block_(block), body_(block.sync()) {}

  bool IsSet() const { return (Word() & 1) != 0; }
  // What a wait that begins now is tested with.
  uint32_t Epoch() const {
    const uint32_t word = Word();
    return ((word >> 1) - (word & 1)) & kEpochMask;
  }

  void Set() {
    uint32_t word = Word();
    do {
      if ((word & 1) != 0) return;
    } while (!body_.word.CompareExchange(word, (((word >> 1) + 1) << 1) | 1));  // ORDER(event)
    body_.acquired.FetchAdd(1);
    WaitQueue waiters = block_.waiters();
    if (waiters.MayHaveWaiters()) waiters.RingAll(block_.registry());
  }

  void Clear() { body_.word.FetchAnd(~1u); }

  Status Test(uint32_t epoch) const {
    const uint32_t word = Word();  // ORDER(event)
    return (word & 1) != 0 || (word >> 1) != epoch ? kOk : kAgain;
  }

 private:
  static constexpr uint32_t kEpochMask = UINT32_MAX >> 1;

  uint32_t Word() const { return body_.word.Load(std::memory_order_seq_cst); }

  Block block_;
  SyncBody& body_;
};

}  // namespace multiproc
