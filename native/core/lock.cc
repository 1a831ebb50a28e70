#include "core/lock.h"

namespace multiproc {

Status Lock::TryAcquire(bool hold) {
  uint32_t word = Word();
  if ((word & kOwnerMask) != 0) return kAgain;
  const uint32_t mine = (block_.registry().self() + 1) | (hold ? kHold : 0);
  // ORDER(lock): acquires what the previous owner released.
  if (!body_.word.CompareExchange(word, mine)) return kAgain;
  body_.acquired.Bump();  // exclusive: we own the lock
  return (word & kDied) != 0 ? kOkOwnerDied : kOk;
}

void Lock::Wake() {
  WaitQueue waiters = block_.waiters();
  if (waiters.MayHaveWaiters()) waiters.RingOne(block_.registry());
}

Status Lock::Release(bool hold) {
  uint32_t word = Word();
  do {
    if ((word & kOwnerMask) == 0) return hold ? kNotOwner : kOverRelease;
    if (((word & kHold) != 0) != hold) return kNotOwner;
    if (hold && (word & kOwnerMask) != block_.registry().self() + 1) return kNotOwner;
    // ORDER(lock): releases; a CAS, since any process may release and two may try.
  } while (!body_.word.CompareExchange(word, 0));
  Wake();
  return kOk;
}

Status Lock::TryEnter() {
  if (Mine()) {
    body_.extra.Store(depth() + 1, std::memory_order_relaxed);  // relaxed: ours
    return kOk;
  }
  const Status status = TryAcquire(false);
  if (status >= 0) body_.extra.Store(1, std::memory_order_relaxed);
  return status;
}

Status Lock::Exit() {
  if (!Mine()) return kNotOwner;
  if (depth() > 1) {
    body_.extra.Store(depth() - 1, std::memory_order_relaxed);
    return kOk;
  }
  uint32_t ignored;
  return ExitFully(&ignored);
}

Status Lock::ExitFully(uint32_t* depth_out) {
  if (!Mine()) return kNotOwner;
  *depth_out = depth();
  body_.extra.Store(0, std::memory_order_relaxed);
  body_.word.Exchange(0);  // ORDER(lock): releases
  Wake();
  return kOk;
}

Status Lock::SetDepth(uint32_t depth) {
  if (!Mine()) return kNotOwner;
  body_.extra.Store(depth, std::memory_order_relaxed);
  return kOk;
}

void Lock::Repair(uint32_t participant) {
  uint32_t word = Word();
  if ((word & kOwnerMask) != participant + 1) return;
  // Counted before the hand-over: a reaper that dies in between makes the next one count again, never forget.
  body_.owner_deaths.FetchAdd(1);
  // ORDER(lock): the next owner sees everything the dead one wrote before it died, complete or not.
  if (body_.word.CompareExchange(word, kDied)) Wake();
}

}  // namespace multiproc
