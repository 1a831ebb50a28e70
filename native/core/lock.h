// Lock: mutual exclusion between participants; also the word of RLock, which adds a depth.
//
// Guarantee      At most one participant owns it. Any process may release a Lock taken by acquire; what was taken
//                through hold is released through hold by its owner only. An RLock is released by its owner only.
// Blocking       TryAcquire never; Acquire through BlockUntil. No fairness between processes: who comes first after a
//                release wins.
// Process death  Of the owner: Repair frees the lock, marks it DIED and wakes one waiter; the next owner is told
//                once, by kOkOwnerDied.
// Memory order   ORDER(lock): what the previous owner wrote before Release is visible to the next one. The CAS and
//                the exchange are seq_cst, also for ORDER(wait-dekker). Layout SyncBody.word = owner + 1 (bits 0-10,
//                0 = free) | WAITERS | HOLD | DIED; SyncBody.extra = depth (RLock, written by the owner). WAITERS is
//                set, by whoever fails to acquire, while somebody may be asleep: as long as it is not set, a single
//                CAS acquires (0 -> owner + 1) or releases (owner + 1 -> 0), also from JavaScript with Atomics. It is
//                kept across releases until nobody is registered as a waiter any more.
#pragma once

#include "core/arena.h"
#include "core/blocking.h"
#include "core/status.h"

namespace multiproc {

class Lock {
 public:
  explicit Lock(Block block) : block_(block), body_(block.sync()) {}

  Status TryAcquire(bool hold);
  Status Release(bool hold);

  // RLock: re-enters when we own it already.
  Status TryEnter();
  Status Exit();
  // Condition wait: gives it up whatever the depth; *depth is what to restore.
  Status ExitFully(uint32_t* depth);
  Status SetDepth(uint32_t depth);

  bool Mine() const { return Owner() == block_.registry().self() + 1; }
  // Index + 1, or 0.
  uint32_t Owner() const { return Word() & kOwnerMask; }
  bool Held() const { return (Word() & kHold) != 0; }
  uint32_t depth() const {
    return body_.extra.Load(std::memory_order_relaxed);
  }  // relaxed: only the owner's answer is exact

  void Repair(uint32_t participant);

 private:
  static constexpr uint32_t kOwnerMask = 0x7ff;
  static constexpr uint32_t kWaiters = 1u << 29;
  static constexpr uint32_t kHold = 1u << 30;
  static constexpr uint32_t kDied = 1u << 31;

  uint32_t Word() const { return body_.word.Load(std::memory_order_seq_cst); }
  // After a release that left `word`: wakes a waiter, and forgets the flag when there are none.
  void Wake(uint32_t word);

  Block block_;
  SyncBody& body_;
};

}  // namespace multiproc
