// ObjectUse: what can be done with one object of an arena, and what may come of it.
#pragma once

#include "core/barrier.h"
#include "core/blocking.h"
#include "core/condition.h"
#include "core/event.h"
#include "core/hash_map.h"
#include "core/lock.h"
#include "core/semaphore.h"
#include "fuzz.h"

namespace multiproc::fuzz {

// An object that was allocated or attached, and what was known of it then.
struct Held {
  Block block;
  ObjectKind kind;
  double parameter[2];
};

class ObjectUse {
 public:
  ObjectUse(Registry& registry, Shared<uint32_t>* poisoned, const Held& held, Input& in)
      : registry_(registry), poisoned_(poisoned), held_(held), in_(in) {}

  void Use(uint8_t what) {
    switch (held_.kind) {
      case ObjectKind::kLock:
        return UseLock(what);
      case ObjectKind::kRLock:
        return UseRLock(what);
      case ObjectKind::kSemaphore:
      case ObjectKind::kBoundedSemaphore:
        return UseSemaphore(what);
      case ObjectKind::kCondition:
        return UseCondition(what);
      case ObjectKind::kEvent:
        return UseEvent(what);
      case ObjectKind::kBarrier:
        return UseBarrier(what);
      case ObjectKind::kMap:
        return UseMap(what);
      default:
        Operation::Require(held_.kind <= ObjectKind::kMemory, "it is an object of a known kind, and no queue");
        Operation::Require(block_.meta().size() <= kMetaMax, "its text is not too long");
    }
  }

 private:
  template <typename Attempt>
  Status Wait(Attempt attempt) {
    SpinBudget spin(false);
    const int64_t wait = in_.Byte() % 4 == 0 ? 20'000 : 0;
    return BlockUntil(registry_, block_.waiters(), spin, wait, attempt);
  }

  void UseLock(uint8_t what) {
    Lock lock(block_);
    const bool hold = (what & 4) != 0;
    if (what % 2 == 0) {
      const Status status = Wait([&] { return lock.TryAcquire(hold); });
      Operation::OneOf(status, {kOk, kOkOwnerDied, kAgain, kPoisoned});
    } else {
      Operation::OneOf(lock.Release(hold), {kOk, kNotOwner, kOverRelease});
    }
    lock.Mine();
    lock.Held();
    block_.waiters().Count();
  }

  void UseMap(uint8_t what) {
    HashMap map(block_, poisoned_);
    const char key[] = "abcdefghijklmnopqrstuvwxyz";
    const uint64_t key_bytes = what % 27;
    char memory[512];
    MapOutput output{memory, in_.Below(sizeof memory), 0};
    const auto locked = [&](auto work) {
      const int64_t entered =
          Operation::OneOf(Wait([&] { return map.TryEnter(); }), {kOk, kOkOwnerDied, kAgain, kDeadlock, kPoisoned});
      if (entered < 0) return;
      work();
      if (what < 240) map.Leave();
    };
    switch (what % 8) {
      case 0:
      case 1:
        Operation::OneOf(map.Get(key, key_bytes, &output), {kOk, kAbsent, kAgain, kNoRoom, kPoisoned});
        return;
      case 2: {
        uint64_t bucket = in_.Below(4);
        Operation::OneOf(map.Scan(&bucket, &output), {kOk, kAbsent, kAgain, kNoRoom, kPoisoned});
        return;
      }
      case 3:
        return locked([&] { Operation::OneOf(map.Remove(key, key_bytes), {kOk, kAbsent, kPoisoned}); });
      case 4:
        return locked([&] { map.Clear(); });
      case 5:
        map.Leave();
        return;
      default:
        memset(memory, what, sizeof memory);
        return locked([&] {
          const MapValue value = {memory, in_.Below(100), memory, in_.Below(sizeof memory)};
          Operation::OneOf(map.Put(key, key_bytes, value), {kOk, kFull, kPoisoned});
        });
    }
  }

  void UseRLock(uint8_t what) {
    Lock lock(block_);
    uint32_t depth = 0;
    switch (what % 4) {
      case 0:
        Operation::OneOf(lock.Exit(), {kOk, kNotOwner});
        return;
      case 1:
        if (Operation::OneOf(lock.ExitFully(&depth), {kOk, kNotOwner}) == kOk) depth = lock.depth();
        return;
      case 2:
        Operation::OneOf(lock.SetDepth(what), {kOk, kNotOwner});
        return;
      default:
        Operation::OneOf(Wait([&] { return lock.TryEnter(); }), {kOk, kOkOwnerDied, kAgain, kPoisoned});
    }
  }

  void UseSemaphore(uint8_t what) {
    Semaphore semaphore(held_.block);
    // As the binding does it: the maximum is what was read when the object was attached.
    const uint32_t maximum = static_cast<uint32_t>(held_.parameter[1]);
    const uint32_t n = what < 128 ? 1 : what < 240 ? 2 : INT32_MAX;
    if (what % 2 == 0) {
      Operation::OneOf(Wait([&] { return semaphore.TryAcquire(); }), {kOk, kAgain});
    } else {
      Operation::OneOf(semaphore.Release(n, maximum), {kOk, kOverRelease});
    }
  }

  void UseCondition(uint8_t what) {
    Condition condition(block_);
    switch (what % 5) {
      case 0:
        Operation::OneOf(condition.Enter(), {kOk, kSystem});
        return;
      case 1:
        Operation::OneOf(Wait([&] { return condition.TryTake(); }), {kOk, kAgain});
        return;
      case 2:
        condition.Leave();
        return;
      case 3:
        Operation::Require(condition.Notify(what) <= what, "no more than wished");
        return;
      default:
        Operation::Require(condition.Waiting() <= registry_.count() * 0xffff, "as many as can wait");
    }
  }

  void UseEvent(uint8_t what) {
    Event event(block_);
    switch (what % 3) {
      case 0:
        return event.Set();
      case 1:
        return event.Clear();
      default: {
        const uint32_t epoch = event.Epoch();
        Operation::OneOf(Wait([&] { return event.Test(epoch); }), {kOk, kAgain});
      }
    }
  }

  void UseBarrier(uint8_t what) {
    Barrier barrier(held_.block);
    uint32_t index = 0;
    BarrierRound round = what;
    switch (what % 6) {
      case 0:
        if (barrier.Arrive(&index, &round) == Barrier::Arrival::kWait) {
          Operation::OneOf(Wait([&] { return barrier.Test(round); }), {kOk, kAgain, kBroken});
        }
        return;
      case 1:
        Operation::OneOf(barrier.Finish(round), {kOk, kBroken});
        return;
      case 2:
        Operation::OneOf(barrier.Break(round), {kOk, kBroken});
        return;
      case 3:
        return barrier.Abort();
      case 4:
        return barrier.Reset();
      default:
        Operation::Require(barrier.Waiting() <= 0xffff, "as many as can wait");
        barrier.broken();
    }
  }

  Registry& registry_;
  Shared<uint32_t>* poisoned_;
  const Held held_;  // what is known of it may change its place meanwhile
  const Block& block_ = held_.block;
  Input& in_;
};

}  // namespace multiproc::fuzz
