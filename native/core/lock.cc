#include "core/lock.h"

namespace multiproc {

Status Lock::TryAcquire(bool hold) {
  uint32_t word = Word();
  for (;;) {
    if ((word & kOwnerMask) != 0) {
      // Nobody of that number could ever release it, or be found dead.
      if ((word & kOwnerMask) > block_.registry().count()) return kPoisoned;
      // ORDER(lock-waiters): marked after the waiter has registered itself, in the very word that the owner must change
      // to release: the owner sees the mark, or we see it free.
      if ((word & kWaiters) != 0 || body_.word.CompareExchange(word, word | kWaiters)) return kAgain;
      continue;
    }
    const uint32_t mine = (block_.registry().self() + 1) | (hold ? kHold : 0) | (word & kWaiters);
    // ORDER(lock): acquires what the previous owner released.
    if (body_.word.CompareExchange(word, mine)) break;
  }
  body_.acquired.Bump();  // exclusive: we own the lock
  return (word & kDied) != 0 ? kOkOwnerDied : kOk;
}

void Lock::Wake(uint32_t word) {
  if (word != kWaiters && word != (kWaiters | kDied)) return;
  WaitQueue waiters = block_.waiters();
  if (waiters.MayHaveWaiters()) {
    waiters.RingOne(block_.registry());
  } else {
    // ORDER(lock-waiters): only while it is free; who registers now finds it free.
    body_.word.CompareExchange(word, word & ~kWaiters);
  }
}

Status Lock::Release(bool hold) {
  uint32_t word = Word();
  do {
    if ((word & kOwnerMask) == 0) return hold ? kNotOwner : kOverRelease;
    if (((word & kHold) != 0) != hold) return kNotOwner;
    if (hold && (word & kOwnerMask) != block_.registry().self() + 1) return kNotOwner;
    // ORDER(lock): releases; a CAS, since any process may release and two may try.
  } while (!body_.word.CompareExchange(word, word & kWaiters));
  Wake(word & kWaiters);
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
  uint32_t word = Word();
  while (!body_.word.CompareExchange(word, word & kWaiters)) {  // ORDER(lock): releases; others may only add the mark
  }
  Wake(word & kWaiters);
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
  uint32_t freed;
  do {
    if ((word & kOwnerMask) != participant + 1) return;
    freed = kDied | (word & kWaiters);
  } while (!body_.word.CompareExchange(word, freed));
  Wake(freed);
}

}  // namespace multiproc
