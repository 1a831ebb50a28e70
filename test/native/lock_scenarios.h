// What is done with a lock, an RLock and a semaphore while somebody is killed or stopped, and what must hold.
#pragma once

#include "core/lock.h"
#include "core/semaphore.h"
#include "kill_points.h"

namespace multiproc {

// Phases of a victim.
inline constexpr uint32_t kOwning = 1, kReleasing = 2;

// Under the lock: a counter that only mutual exclusion keeps right, and the owner's name beside it.
inline void Write(Actor& a, Status got) {
  CHECK(got == kOk || got == kOkOwnerDied);
  Board& board = a.board;
  if (got == kOkOwnerDied) board.told.fetch_add(1);
  // A name that is still there is the dead one's, and its death was told to us: to nobody else, and not twice.
  if (board.owner != 0) {
    CHECK_EQ(got, kOkOwnerDied);
    CHECK_EQ(board.owner, 1);
    board.counter = board.increments.load();
  }
  board.owner = a.number + 1;
  const uint64_t before = board.counter;
  FAULT_POINT();
  a.Linger();
  CHECK_EQ(board.counter, before);
  CHECK_EQ(board.owner, a.number + 1);
  board.counter = before + 1;
  FAULT_POINT();
  board.increments.fetch_add(1);
  board.owner = 0;
}

inline void UseLock(Actor& a, bool hold, bool block) {
  Lock lock(a.block);
  const auto attempt = [&] { return lock.TryAcquire(hold); };
  const Status got = block ? a.Await(attempt) : attempt();
  if (got == kAgain) return;
  a.Reached(kOwning);
  Write(a, got);
  a.Reached(kReleasing);
  CHECK_EQ(lock.Release(hold), kOk);
}

inline void UseRLock(Actor& a) {
  Lock lock(a.block);
  const Status got = a.Await([&] { return lock.TryEnter(); });
  a.Reached(kOwning);
  Write(a, got);
  for (uint32_t depth = 2; depth <= 3; depth++) {
    CHECK_EQ(lock.TryEnter(), kOk);
    CHECK_EQ(lock.depth(), depth);
  }
  CHECK_EQ(lock.Exit(), kOk);
  a.Reached(kReleasing);
  uint32_t depth = 0;
  CHECK_EQ(lock.ExitFully(&depth), kOk);
  CHECK_EQ(depth, 2);
  // As a condition's wait does: back to the depth it had.
  const Status again = a.Await([&] { return lock.TryEnter(); });
  CHECK_EQ(lock.SetDepth(depth), kOk);
  a.Reached(kOwning);
  Write(a, again);
  CHECK_EQ(lock.Exit(), kOk);
  a.Reached(kReleasing);
  CHECK_EQ(lock.Exit(), kOk);
  CHECK_EQ(lock.Exit(), kNotOwner);
}

// Of the victim's death, if it owned the lock, exactly one was told; then it is a lock like any other.
inline void VerifyLock(Actor& a, const Outcome& outcome, bool hold) {
  Lock lock(a.block);
  const uint64_t deaths = a.block.sync().owner_deaths.Load(std::memory_order_relaxed);
  const Status got = lock.TryAcquire(hold);
  CHECK(got >= kOk);
  if (outcome.others > 0) CHECK_EQ(got, kOk);
  Write(a, got);
  CHECK_EQ(a.board.told.load(), deaths);
  CHECK_EQ(deaths, outcome.killed ? deaths & 1 : 0);
  if (outcome.killed && a.board.phase.load() == kOwning) CHECK_EQ(deaths, 1);
  CHECK_EQ(lock.Release(hold), kOk);
  CHECK_EQ(lock.TryAcquire(hold), kOk);
  CHECK_EQ(lock.Release(hold), kOk);
  CHECK_EQ(a.board.counter, a.board.increments.load());
}

inline bool LockIsNotTheVictims(Actor& a) { return Lock(a.block).Owner() != a.board.victim.load() + 1; }

inline std::function<BlockRequest(uint32_t)> Always(const BlockRequest& request) {
  return [=](uint32_t) { return request; };
}

inline Scenario LockScenario(const char* name, bool hold, bool block) {
  return {.name = name,
          .request = Always(Of(ObjectKind::kLock)),
          .prepare = Nothing,
          .release = Nothing,
          .before = Nothing,
          .act = [=](Actor& a) { UseLock(a, hold, block); },
          .round = [=](Actor& a) { UseLock(a, hold, true); },
          .verify = [=](Actor& a, const Outcome& o) { VerifyLock(a, o, hold); },
          .free_for_others = LockIsNotTheVictims};
}

// Victim and others wait for what the parent has, and give up.
inline Scenario VainLockScenario() {
  const Act vain = [](Actor& a) { CHECK_EQ(a.AwaitBriefly([&] { return Lock(a.block).TryAcquire(false); }), kAgain); };
  return {.name = "lock, waiting in vain",
          .request = Always(Of(ObjectKind::kLock)),
          .prepare = [](Actor& a) { CHECK_EQ(Lock(a.block).TryAcquire(false), kOk); },
          .release = Nothing,
          .before = Nothing,
          .act = vain,
          .round = vain,
          .verify =
              [](Actor& a, const Outcome& outcome) {
                CHECK(Lock(a.block).Mine());
                CHECK_EQ(Lock(a.block).Release(false), kOk);
                VerifyLock(a, {false, outcome.others}, false);
              },
          .free_for_others = [](Actor&) { return true; }};
}

inline Scenario RLockScenario() {
  return {.name = "rlock, depths 1 to 3",
          .request = Always(Of(ObjectKind::kRLock)),
          .prepare = Nothing,
          .release = Nothing,
          .before = Nothing,
          .act = UseRLock,
          .round = UseRLock,
          .verify =
              [](Actor& a, const Outcome& outcome) {
                VerifyLock(a, outcome, false);
                CHECK_EQ(Lock(a.block).TryEnter(), kOk);
                CHECK_EQ(Lock(a.block).depth(), 1);
                CHECK_EQ(Lock(a.block).Exit(), kOk);
              },
          .free_for_others = LockIsNotTheVictims};
}

// Two permits, of which the dead may have taken one with it.
inline void UseSemaphore(Actor& a, uint32_t maximum) {
  Semaphore semaphore(a.block);
  CHECK_EQ(a.Await([&] { return semaphore.TryAcquire(); }), kOk);
  CHECK(a.board.kinds[0].fetch_add(1) < 2);
  a.Reached(kOwning);
  a.Linger();
  a.board.kinds[0].fetch_sub(1);
  a.Reached(kReleasing);
  CHECK_EQ(semaphore.Release(1, maximum), kOk);
}

inline Scenario SemaphoreScenario(const char* name, uint32_t maximum) {
  const Act use = [=](Actor& a) { UseSemaphore(a, maximum); };
  return {.name = name,
          .request = Always(Of(ObjectKind::kSemaphore, 2, maximum)),
          .prepare = [](Actor& a) { Semaphore(a.block).Format(2); },
          .release = Nothing,
          .before = Nothing,
          .act = use,
          .round = use,
          .verify =
              [=](Actor& a, const Outcome& outcome) {
                Semaphore semaphore(a.block);
                const uint32_t value = semaphore.Value();
                CHECK(value == 2 || (outcome.killed && value == 1));
                if (outcome.killed && a.board.phase.load() == kOwning) CHECK_EQ(value, 1);
                for (uint32_t i = 0; i < value; i++) CHECK_EQ(semaphore.TryAcquire(), kOk);
                CHECK_EQ(semaphore.TryAcquire(), kAgain);
                CHECK_EQ(semaphore.Release(2, maximum), kOk);
                if (maximum == 2) CHECK_EQ(semaphore.Release(1, maximum), kOverRelease);
              },
          .free_for_others = [](Actor&) { return true; }};
}

inline std::vector<Scenario> LockScenarios() {
  return {LockScenario("lock, trying", false, false),
          LockScenario("lock, blocking", false, true),
          LockScenario("lock held, blocking", true, true),
          VainLockScenario(),
          RLockScenario(),
          SemaphoreScenario("semaphore", 1000000),
          SemaphoreScenario("bounded semaphore", 2)};
}

}  // namespace multiproc
