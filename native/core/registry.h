// Registry: the participants of a segment, and the kernel's word on which of them live.
//
// Guarantee      A participant holds an exclusive lock on byte kSlotLockBase + i of the segment file through its own
//                open file description; the kernel arbitrates who gets slot i and frees it at death, never at a stop.
//                A slot is reused only after everything its dead owner had was repaired, so an owner index needs no
//                generation.
// Blocking       Never.
// Process death  Of a participant: found by Alive, repaired by Reap. Of a reaper: its lock on the dead slot goes, the
//                slot is still LIVE, the next reaper starts the (idempotent) repair again. A state that nobody writes
//                is damage and counts as LIVE: who dies there is repaired as well, and the slot is used again.
// Memory order   ORDER(slot-state): FREE is stored after the repair and before the lock is dropped; who gets the lock
//                next and reads FREE sees the repair.
#pragma once

#include <atomic>
#include <cstdint>

#include "core/layout.h"
#include "platform/futex.h"

namespace multiproc {

// Repairs, in one kind of segment, what a dead (or leaving) participant owned. Every step is a single idempotent write.
class Repairer {
 public:
  virtual ~Repairer() = default;
  virtual void Repair(uint32_t participant) = 0;
};

class Registry {
 public:
  static constexpr uint32_t kNobody = UINT32_MAX;

  // `fd` and `slots` belong to the segment and outlive the registry.
  void Attach(int fd, RegistrySlot* slots, uint32_t count);

  // Takes the first slot that the kernel grants, repairing it first if its last owner died. False if all are taken.
  bool Join(Repairer& repairer);
  // Repairs and frees our own slot.
  void Leave(Repairer& repairer);

  // Repairs participant i if it is dead. True if it was.
  bool Reap(uint32_t i, Repairer& repairer);
  // All of them; returns how many were dead.
  uint32_t ReapAll(Repairer& repairer);

  bool Alive(uint32_t i) const;

  // Changes the participant's doorbell and wakes its threads. True if any slept.
  // An impossible number, from a damaged bitmap, is ignored.
  bool Ring(uint32_t i) {
    if (i >= count_) return false;
    // ORDER(doorbell): changed before the wake; a waiter that read the old value is refused by the kernel or woken.
    slots_[i].doorbell.FetchAdd(1);
    return FutexWake(slots_[i].doorbell.raw(), INT32_MAX) > 0;
  }
  void RingEverybody();

  RegistrySlot& slot(uint32_t i) { return slots_[i]; }
  const RegistrySlot& slot(uint32_t i) const { return slots_[i]; }
  uint32_t self() const { return self_; }
  uint32_t count() const { return count_; }
  uint32_t words() const { return (count_ + 63) / 64; }
  bool joined() const { return self_ != kNobody; }
  // Does the slot's word say that somebody has it, or had it and was not repaired? Alive tells the two apart.
  bool SaysTaken(uint32_t i, std::memory_order order) const { return slots_[i].state.Load(order) != kSlotFree; }

  // Where the search for the next waiter starts; private memory, only for fairness.
  uint32_t last_rung() const { return last_rung_; }
  void set_last_rung(uint32_t i) { last_rung_ = i; }

 private:
  int fd_ = -1;
  RegistrySlot* slots_ = nullptr;
  uint32_t count_ = 0;
  uint32_t self_ = kNobody;
  uint32_t last_rung_ = 0;
};

}  // namespace multiproc
