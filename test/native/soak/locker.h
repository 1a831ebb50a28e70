// Locker: uses locks, semaphores, conditions, events and barriers, and makes, opens and unlinks segments. What a lock
// guards are two plain numbers, which whoever comes in beside an owner leaves unequal.
#pragma once

#include "actor.h"
#include "core/barrier.h"
#include "core/condition.h"
#include "core/lock.h"
#include "core/semaphore.h"
#include "events.h"
#include "guarded.h"
#include "rounds.h"

namespace multiproc::soak {

class Locker : public Actor {
 public:
  Locker(Ledger& ledger, uint32_t seat, uint32_t incarnation, uint64_t seed) : Actor(ledger, seat, incarnation, seed) {
    Join();
  }

  void Run() {
    while (!In(Ledger::kEnding)) {
      const uint64_t kind = random().Below(100);
      if (kind < 17) {
        Own(Object::kLock, [this] { Linger(2); });
      } else if (kind < 30) {
        Own(Object::kHeldLock, [this] { Linger(2); });
      } else if (kind < 43) {
        Own(Object::kRLock, [this] { EnterAgain(); });
      } else if (kind < 53) {
        Notify();
      } else if (kind < 59) {
        AwaitNotification();
      } else if (kind < 71) {
        UsePermit();
      } else if (kind < 75) {
        SetAndClear();
      } else if (kind < 78) {
        AwaitEvent();
      } else if (kind < 87) {
        Meet();
      } else if (kind < 99) {
        UseSegments();
      } else {
        Rejoin();
      }
      OperationEnds();
      Pace();
    }
    Leave();
  }

 private:
  void Join() {
    opened_ = Attach(kArenaName);
    for (uint32_t i = 0; i < kObjectCount; i++) {
      const Ledger::Handle& handle = ledger().handles[i];
      if (!opened_.arena().Attach(handle.offset, handle.generation, &blocks_[i])) ledger().Fail("object %u is gone", i);
    }
    row().attached.store(1);
  }
  void Leave() {
    Do(Doing::kLeavingSegment);
    if (opened_.Leave()) ledger().Fail("the arena was left by the last user although the auditor uses it");
  }
  void Rejoin() {
    Leave();
    Join();
    ledger().rejoined.fetch_add(1);
  }

  Block& BlockOf(Object object) { return blocks_[static_cast<uint32_t>(object)]; }
  // At the end of a slice only an owner matters to those who wait for a lock.
  void ReapOwner(const Lock& lock) {
    const uint32_t owner = lock.Owner();
    if (owner != 0) Reap(opened_, owner - 1);
  }
  template <typename Attempt, typename Reaping>
  Status AwaitObject(Object object, Doing trying, Doing waiting, Attempt attempt, Reaping reap) {
    row().object.store(static_cast<uint32_t>(object));
    return Await(
        trying, waiting, attempt,
        [&](auto tracked, int64_t slice) {
          return BlockUntil<kCalmSliceNanos>(opened_.segment->registry(), BlockOf(object).waiters(), spin, slice,
                                             tracked);
        },
        reap);
  }
  template <typename Attempt>
  Status AwaitMeeting(Object object, Doing trying, Doing waiting, Attempt attempt) {
    return AwaitObject(object, trying, waiting, attempt, [&] { ReapAll(opened_); });
  }

  // ---- locks

  void Acquire(Object object) {
    Lock lock(BlockOf(object));
    const Status status = AwaitObject(
        object, Doing::kAcquiring, Doing::kAwaitingLock,
        [&] { return object == Object::kRLock ? lock.TryEnter() : lock.TryAcquire(object == Object::kHeldLock); },
        [&] { ReapOwner(lock); });
    if (object == Object::kRLock && lock.depth() != 1) ledger().Fail("a new owner is %u deep inside", lock.depth());
    // Inside only once the ledger says so: who dies before that has died in acquiring.
    ComeIn(ledger(), object, me(), DiedBefore(object, status));
    Do(Doing::kInside);
  }
  // TryEnter says kOk to whoever enters again, and passes on what TryAcquire said.
  bool DiedBefore(Object object, Status status) {
    if (status != kOk && status != kOkOwnerDied)
      ledger().Fail("lock %u cannot be acquired: status %d", static_cast<uint32_t>(object), status);
    return status == kOkOwnerDied;
  }
  void Release(Object object) {
    GoOut(ledger(), object, me());
    Lock lock(BlockOf(object));
    const Status status = object == Object::kRLock ? lock.Exit() : lock.Release(object == Object::kHeldLock);
    if (status != kOk) ledger().Fail("lock %u cannot be released: status %d", static_cast<uint32_t>(object), status);
  }
  template <typename Work>
  void Own(Object object, Work work) {
    Acquire(object);
    work();
    Do(Doing::kLeaving);
    Release(object);
  }
  void EnterAgain() {
    Lock lock(BlockOf(Object::kRLock));
    const uint64_t times = random().Below(3);
    for (uint64_t i = 0; i < times; i++)
      if (lock.TryEnter() != kOk || lock.depth() != i + 2) ledger().Fail("an owner cannot enter again");
    Linger(2);
    for (uint64_t i = 0; i < times; i++)
      if (lock.Exit() != kOk || !lock.Mine()) ledger().Fail("an owner that goes out once is out");
  }

  // ---- conditions

  void Notify() {
    Acquire(Object::kConditionLock);
    const uint32_t n = 1 + static_cast<uint32_t>(random().Below(2));
    Do(Doing::kNotifying);
    ledger().grants_began.fetch_add(n);
    Condition condition(BlockOf(Object::kCondition));
    const uint32_t given = condition.Notify(n);
    ledger().grants_ended.fetch_add(given);
    // Nobody enters while we have the lock.
    if (given > n || (given < n && condition.Waiting() > 0))
      ledger().Fail("notify(%u) woke %u and leaves %u waiting", n, given, condition.Waiting());
    ledger().notifications.fetch_add(1);
    Do(Doing::kLeaving);
    Release(Object::kConditionLock);
  }
  void AwaitNotification() {
    Condition condition(BlockOf(Object::kCondition));
    Acquire(Object::kConditionLock);
    Do(Doing::kEnteringCondition);
    // The auditor notifies all with the lock in its hands, and counts: it owes us the next one.
    row().message.store(ledger().generation.load() + 1);
    if (condition.Enter() != kOk) ledger().Fail("a condition cannot be entered");
    Do(Doing::kLeaving);
    Release(Object::kConditionLock);
    const Status status = AwaitMeeting(Object::kCondition, Doing::kAwaitingNotification, Doing::kAwaitingNotification,
                                       [&] { return condition.TryTake(); });
    if (status != kOk) ledger().Fail("a wait for a notification ended with status %d", status);
    ledger().grants_taken.fetch_add(1);
    row().message.store(0);
    Own(Object::kConditionLock, [] {});
  }

  // ---- semaphores

  void UsePermit() {
    Semaphore semaphore(BlockOf(Object::kSemaphore));
    const Status status =
        AwaitMeeting(Object::kSemaphore, Doing::kTakingPermit, Doing::kAwaitingPermit, [&]() -> Status {
          // Closed while the auditor counts: it sees that we want one, or we see that it counts.
          return ledger().semaphore_closed != 0 ? kClosed : semaphore.TryAcquire();
        });
    if (status == kClosed) return;
    if (status != kOk) ledger().Fail("a permit cannot be taken: status %d", status);
    Do(Doing::kHoldingPermit);
    ledger().semaphore_uses.fetch_add(1);
    Linger(3);
    Do(Doing::kGivingPermit);
    const Status given = semaphore.Release(1, kPermits);
    if (given != kOk) ledger().Fail("there is a permit too many: status %d", given);
  }

  // ---- events

  void SetAndClear() {
    Do(Doing::kSettingEvent, static_cast<uint32_t>(Object::kEvent));
    soak::SetAndClear(ledger(), BlockOf(Object::kEvent));
  }
  void AwaitEvent() {
    const Event event(BlockOf(Object::kEvent));
    const uint32_t epoch = event.Epoch();
    // The auditor sets it, then counts: the one behind the next count is certain to come after our look.
    row().message.store(ledger().generation.load() + 2);
    const Status status =
        AwaitMeeting(Object::kEvent, Doing::kAwaitingEvent, Doing::kAwaitingEvent, [&] { return event.Test(epoch); });
    if (status != kOk) ledger().Fail("a wait for an event ended with status %d", status);
    ledger().event_waits.fetch_add(1);
  }

  // ---- barriers

  void Meet() {
    Barrier barrier(BlockOf(Object::kBarrier));
    Rounds& rounds = ledger().barrier;
    rounds.arrivals_began.fetch_add(1);
    uint32_t index = 0;
    BarrierRound round = 0;
    Barrier::Arrival arrival = Barrier::Arrival::kBusy;
    AwaitMeeting(Object::kBarrier, Doing::kArriving, Doing::kArriving, [&]() -> Status {
      arrival = barrier.Arrive(&index, &round);
      return arrival == Barrier::Arrival::kBusy ? kAgain : kOk;
    });
    if (arrival == Barrier::Arrival::kBroken) {
      Do(Doing::kEndingRound);
      return In(Ledger::kEnding) ? void() : barrier.Reset();
    }
    row().message.store(uint64_t{round} + 1);
    if (index >= kParties) ledger().Fail("a party of %u has index %u", kParties, index);
    Status status;
    if (arrival == Barrier::Arrival::kLast) {
      Do(Doing::kEndingRound);
      Linger(2);
      status = barrier.Finish(round);
      if (status == kOk) rounds.rounds_released.fetch_add(1);
    } else {
      Linger();
      status = AwaitMeeting(Object::kBarrier, Doing::kAwaitingParties, Doing::kAwaitingParties,
                            [&] { return barrier.Test(round); });
    }
    WriteDown(ledger(), round, index, status);
  }

  // ---- segments

  std::string NameOf(uint64_t which) { return "made." + std::to_string(which); }
  // Of a few names that all lockers share, or of one's own: what is left under that only a sweep finds.
  void UseSegments() {
    const std::string name = NameOf(random().Below(3));
    const uint64_t kind = random().Below(6);
    if (kind < 2) {
      MakeSegment("own." + std::to_string(me()));
    } else if (kind == 2) {
      MakeSegment(name);
    } else {
      Do(Doing::kOpeningSegment);
      Failure failure;
      Opened other = TryOpen(name, &failure);
      if (other.segment == nullptr) return Expect(failure, "NOT_FOUND", "opened");
      ledger().segments_opened.fetch_add(1);
      Linger();
      LeaveSegment(other);
    }
  }
  void MakeSegment(const std::string& name) {
    Do(Doing::kMakingSegment);
    Opened made = Make(name, random().Below(2) == 0 ? QueueParameters() : ArenaParameters());
    Failure failure;
    if (!made.segment->Publish(&failure)) {
      Expect(failure, "EXISTS", "made");
      return LeaveSegment(made);
    }
    ledger().segments_made.fetch_add(1);
    Linger(1, 10'000'000);
    if (random().Below(3) == 0) {
      Do(Doing::kUnlinkingSegment);
      if (made.segment->Unlink(&failure)) ledger().segments_unlinked.fetch_add(1);
    }
    LeaveSegment(made);
  }
  void LeaveSegment(Opened& opened) {
    Do(Doing::kLeavingSegment);
    opened.Leave();
  }
  void Expect(const Failure& failure, const char* code, const char* what) {
    if (strcmp(failure.code, code) != 0)
      ledger().Fail("a segment cannot be %s: %s, %s", what, failure.code, failure.reason.c_str());
  }

  Opened opened_;
  Block blocks_[kObjectCount];
};

}  // namespace multiproc::soak
