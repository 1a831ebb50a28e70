#include "core/condition.h"

namespace multiproc {

Status Condition::Enter() {
  uint32_t slot = Mine().Load(std::memory_order_seq_cst);
  do {
    if (WaitingOf(slot) == 0xffff) return kSystem;
  } while (!Mine().CompareExchange(slot, slot + kOneWaiting));
  body_.acquired.FetchAdd(1);
  return kOk;
}

Status Condition::TryTake() {
  uint32_t slot = Mine().Load(std::memory_order_seq_cst);
  do {
    // Granted where nobody waits is damage.
    if (GrantedOf(slot) == 0 || WaitingOf(slot) == 0) return kAgain;
  } while (!Mine().CompareExchange(slot, slot - kOneGranted - kOneWaiting));  // ORDER(condition)
  return kOk;
}

bool Condition::Leave() {
  uint32_t slot = Mine().Load(std::memory_order_seq_cst);
  for (;;) {
    // If every waiter here was notified, so was this one.
    const bool notified = GrantedOf(slot) != 0 && GrantedOf(slot) == WaitingOf(slot);
    const uint32_t next = slot - kOneWaiting - (notified ? kOneGranted : 0);
    if (WaitingOf(slot) == 0) return false;
    if (Mine().CompareExchange(slot, next)) return notified;
  }
}

uint32_t Condition::Notify(uint32_t n) {
  Registry& registry = block_.registry();
  const uint32_t count = registry.count();
  // relaxed: only where to start, for fairness
  const uint32_t start = body_.word.Load(std::memory_order_relaxed) % count;
  uint32_t given = 0;
  for (uint32_t step = 0; step < count && given < n; step++) {
    const uint32_t i = (start + step) % count;
    uint32_t slot = block_.slot(i).Load(std::memory_order_seq_cst);
    bool granted = false;
    while (given < n && GrantedOf(slot) < WaitingOf(slot)) {
      if (!block_.slot(i).CompareExchange(slot, slot + kOneGranted)) continue;  // ORDER(condition)
      slot += kOneGranted;
      given++;
      granted = true;
    }
    if (granted) {
      body_.word.Store(i + 1, std::memory_order_relaxed);
      block_.waiters().Disarm(i);
      registry.Ring(i);
    }
  }
  return given;
}

uint32_t Condition::Waiting() const {
  uint32_t waiting = 0;
  for (uint32_t i = 0; i < block_.registry().count(); i++) {
    const uint32_t slot = block_.slot(i).Load(std::memory_order_seq_cst);
    // More granted than wait there is damage.
    if (GrantedOf(slot) < WaitingOf(slot)) waiting += WaitingOf(slot) - GrantedOf(slot);
  }
  return waiting;
}

void Condition::Repair(uint32_t participant) {
  Shared<uint32_t>& slot = block_.slot(participant);
  uint32_t found = slot.Load(std::memory_order_seq_cst);
  do {
    if (found == 0) return;
    // All of its waiters count as notified while we look for others, so that none of the notifications goes back to it.
  } while (!slot.CompareExchange(found, WaitingOf(found) << 16 | WaitingOf(found)));
  if (GrantedOf(found) > 0) Notify(GrantedOf(found));
  slot.Exchange(0);
}

}  // namespace multiproc
