#include "core/registry.h"

#include "platform/file_lock.h"
#include "platform/process_info.h"

namespace multiproc {

void Registry::Attach(int fd, RegistrySlot* slots, uint32_t count) {
  fd_ = fd;
  slots_ = slots;
  count_ = count;
}

bool Registry::Join(Repairer& repairer) {
  // Slots that say FREE first: asking the kernel for each of 200 taken ones would cost a system call apiece.
  // Twice: a slot may become free behind the search.
  for (const bool taken : {false, true, false, true}) {
    for (uint32_t i = 0; i < count_; i++) {
      // relaxed: a hint; the kernel's lock decides
      if (SaysTaken(i, std::memory_order_relaxed) != taken) continue;
      if (!TryWriteLock(fd_, kSlotLockBase + i)) continue;
      // ORDER(slot-state): the lock is ours; LIVE now can only mean that the last owner died without repair.
      if (SaysTaken(i, std::memory_order_acquire)) repairer.Repair(i);
      RegistrySlot& slot = slots_[i];
      slot.pid = CurrentPid();
      slot.start_time = CurrentStartTime();
      CurrentCommand(slot.command, sizeof slot.command);
      FAULT_POINT();
      self_ = i;
      last_rung_ = i;
      // ORDER(slot-state): who reads LIVE sees our pid and command.
      slot.state.Store(kSlotLive, std::memory_order_seq_cst);
      return true;
    }
  }
  return false;
}

void Registry::Leave(Repairer& repairer) {
  if (!joined()) return;
  repairer.Repair(self_);
  // ORDER(slot-state): freed after the repair, before the lock.
  slots_[self_].state.Store(kSlotFree, std::memory_order_release);
  UnlockByte(fd_, kSlotLockBase + self_);
  self_ = kNobody;
}

bool Registry::Reap(uint32_t i, Repairer& repairer) {
  // Our own byte would be granted to us again: a description does not conflict with itself.
  if (i == self_ || i >= count_) return false;
  if (!SaysTaken(i, std::memory_order_acquire)) return false;
  // The lock keeps other reapers and joiners out, and goes if we die.
  if (!TryWriteLock(fd_, kSlotLockBase + i)) return false;
  const bool dead = SaysTaken(i, std::memory_order_acquire);
  if (dead) {
    repairer.Repair(i);
    // ORDER(slot-state): freed after the repair, before the lock.
    slots_[i].state.Store(kSlotFree, std::memory_order_release);
  }
  UnlockByte(fd_, kSlotLockBase + i);
  return dead;
}

uint32_t Registry::ReapAll(Repairer& repairer) {
  uint32_t dead = 0;
  for (uint32_t i = 0; i < count_; i++) dead += Reap(i, repairer) ? 1 : 0;
  return dead;
}

bool Registry::Alive(uint32_t i) const {
  if (i == self_) return true;
  return IsLockedByOther(fd_, kSlotLockBase + i);
}

void Registry::RingEverybody() {
  for (uint32_t i = 0; i < count_; i++) {
    // ORDER(wait-dekker): the caller has set a flag; a joiner that is not seen LIVE here looks at the flag later.
    if (SaysTaken(i, std::memory_order_seq_cst)) Ring(i);
  }
}

}  // namespace multiproc
