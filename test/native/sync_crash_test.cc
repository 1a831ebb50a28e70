// Synchronisation objects whose user is killed, or stopped, at every single write to shared memory.

#include <functional>
#include <optional>

#include "child.h"
#include "core/barrier.h"
#include "core/condition.h"
#include "core/event.h"
#include "core/lock.h"
#include "core/semaphore.h"
#include "unnamed_segment.h"

namespace multiproc {
namespace {

struct Victim {
  Block block;
  ArenaMember& member;
};
using Act = std::function<void(Victim&)>;

// The object, its creator (the parent), and a child that acts on it until it is killed at a given write.
class Scene {
 public:
  explicit Scene(const BlockRequest& request) : creator(segment) {
    creator.Join();
    creator->BecomeCreator();
    block = creator->Allocate(request);
    // A waiter to wake makes the wake-up part of what is killed.
    block.waiters().Arm(creator.self());
  }
  // The child attaches, does `before`, then `act` with its k-th write as its last. True if it got that far.
  bool KillAt(uint64_t k, const Act& before, const Act& act, bool stop = false) {
    child.emplace(Child([&] {
      ArenaMember member(segment);
      member.Join();
      Victim victim{{}, member};
      CHECK(member->Attach(block.offset(), block.generation(), &victim.block));
      before(victim);
      fault::Arm(k, stop);
      act(victim);
      fault::Arm(0, false);
    }));
    if (stop) return child->AwaitStop();
    const int end = child->Wait();
    if (end != 0) CHECK_EQ(end, -SIGKILL);
    return end != 0;
  }

  ArenaSegment segment;
  ArenaMember creator;
  Block block;
  std::optional<Child> child;
};

// Runs a scene for k = 1, 2, ... until the child survives; `verify` gets whether it was killed.
void AtEveryWrite(const char* name, const BlockRequest& request, const Act& before, const Act& act,
                  const std::function<void(Scene&, bool killed)>& verify) {
  uint64_t points = 0;
  for (uint64_t k = 1;; k++) {
    Scene scene(request);
    const bool killed = scene.KillAt(k, before, act);
    scene.creator.ReapAll();
    CHECK_EQ(scene.creator.ReapAll(), 0);
    verify(scene, killed);
    CHECK_EQ(scene.segment.poisoned()->Load(std::memory_order_relaxed), 0);
    // Nobody else uses the block any more: the creator gets its memory back.
    scene.creator->Detach(scene.block);
    CHECK_EQ(scene.creator->CountAlive(), 0);
    if (!killed) break;
    points++;
  }
  printf("%s: killed at %llu writes\n", name, static_cast<unsigned long long>(points));
  CHECK(points > 0);
}

void Nothing(Victim&) {}

TEST(a_lock_passes_on_whatever_moment_its_owner_dies) {
  for (const bool hold : {false, true}) {
    AtEveryWrite(
        "lock acquire", Of(ObjectKind::kLock), Nothing, [=](Victim& v) { Lock(v.block).TryAcquire(hold); },
        [](Scene& s, bool killed) {
          // Not yet taken: kOk. Taken: the death is told. In between there is nothing.
          const uint64_t deaths = s.block.sync().owner_deaths.Load(std::memory_order_relaxed);
          const Status status = Lock(s.block).TryAcquire(false);
          CHECK_EQ(status, deaths == 1 ? kOkOwnerDied : kOk);
          if (!killed) CHECK_EQ(deaths, 1);  // it ended without a release
          CHECK_EQ(Lock(s.block).Release(false), kOk);
          CHECK_EQ(Lock(s.block).TryAcquire(false), kOk);
          CHECK_EQ(Lock(s.block).Release(false), kOk);
        });
    AtEveryWrite(
        "lock release", Of(ObjectKind::kLock), [=](Victim& v) { Lock(v.block).TryAcquire(hold); },
        [=](Victim& v) { CHECK_EQ(Lock(v.block).Release(hold), kOk); },
        [](Scene& s, bool killed) {
          const uint64_t deaths = s.block.sync().owner_deaths.Load(std::memory_order_relaxed);
          CHECK_EQ(Lock(s.block).TryAcquire(false), deaths == 1 ? kOkOwnerDied : kOk);
          if (!killed) CHECK_EQ(deaths, 0);
          CHECK_EQ(Lock(s.block).Release(false), kOk);
        });
  }
}

TEST(an_rlock_passes_on_at_any_depth) {
  AtEveryWrite(
      "rlock", Of(ObjectKind::kRLock), Nothing,
      [](Victim& v) {
        for (int i = 0; i < 3; i++) CHECK_EQ(Lock(v.block).TryEnter(), kOk);
        for (int i = 0; i < 3; i++) CHECK_EQ(Lock(v.block).Exit(), kOk);
      },
      [](Scene& s, bool) {
        CHECK(Lock(s.block).TryEnter() >= kOk);
        CHECK_EQ(Lock(s.block).depth(), 1);
        CHECK_EQ(Lock(s.block).Exit(), kOk);
        CHECK_EQ(Lock(s.block).TryEnter(), kOk);  // told once
        CHECK_EQ(Lock(s.block).Exit(), kOk);
      });
}

TEST(a_dead_reaper_is_followed_by_another) {
  // A first child dies owning the lock, a second is killed while it reaps the first.
  uint64_t points = 0;
  for (uint64_t k = 1;; k++) {
    Scene scene(Of(ObjectKind::kLock));
    Child([&] {
      ArenaMember member(scene.segment);
      member.Join();
      Block block;
      CHECK(member->Attach(scene.block.offset(), scene.block.generation(), &block));
      CHECK_EQ(Lock(block).TryAcquire(false), kOk);
      raise(SIGKILL);
    }).Wait();
    const bool killed = scene.KillAt(k, Nothing, [](Victim& v) { v.member.ReapAll(); });
    scene.creator.ReapAll();
    CHECK_EQ(scene.creator.ReapAll(), 0);
    CHECK_EQ(Lock(scene.block).TryAcquire(false), kOkOwnerDied);
    CHECK_EQ(Lock(scene.block).Release(false), kOk);
    CHECK_EQ(Lock(scene.block).TryAcquire(false), kOk);
    if (!killed) break;
    points++;
  }
  printf("reaper: killed at %llu writes\n", static_cast<unsigned long long>(points));
  CHECK(points > 0);
}

TEST(a_stopped_owner_keeps_its_lock) {
  for (uint64_t k = 1;; k++) {
    Scene scene(Of(ObjectKind::kLock));
    if (!scene.KillAt(
            k, Nothing,
            [](Victim& v) {
              Lock lock(v.block);
              if (lock.TryAcquire(false) == kOk) CHECK_EQ(lock.Release(false), kOk);
            },
            true))
      break;
    CHECK_EQ(scene.creator.ReapAll(), 0);
    const uint32_t owner = Lock(scene.block).Owner();
    const Status status = Lock(scene.block).TryAcquire(false);
    CHECK_EQ(status, owner == 0 ? kOk : kAgain);
    if (status == kOk) CHECK_EQ(Lock(scene.block).Release(false), kOk);
    scene.child->Continue();
    CHECK_EQ(scene.child->Wait(), 0);
    scene.creator.ReapAll();
    CHECK_EQ(Lock(scene.block).TryAcquire(false), kOk);
  }
}

TEST(a_semaphore_loses_at_most_the_permits_of_the_dead) {
  AtEveryWrite(
      "semaphore", Of(ObjectKind::kSemaphore, 3, 1e9), [](Victim& v) { Semaphore(v.block).Format(3); },
      [](Victim& v) {
        CHECK_EQ(Semaphore(v.block).TryAcquire(), kOk);
        CHECK_EQ(Semaphore(v.block).Release(1, 1000), kOk);
      },
      [](Scene& s, bool killed) {
        const uint32_t value = Semaphore(s.block).Value();
        CHECK(value == 3 || (killed && value == 2));
        for (uint32_t i = 0; i < value; i++) CHECK_EQ(Semaphore(s.block).TryAcquire(), kOk);
        CHECK_EQ(Semaphore(s.block).TryAcquire(), kAgain);
      });
}

TEST(an_event_is_set_or_not) {
  AtEveryWrite(
      "event", Of(ObjectKind::kEvent), Nothing, [](Victim& v) { Event(v.block).Set(); },
      [](Scene& s, bool killed) {
        Event event(s.block);
        if (!killed) CHECK(event.IsSet());
        event.Set();
        CHECK_EQ(event.Test(event.Epoch()), kOk);
        event.Clear();
        CHECK_EQ(event.Test(event.Epoch()), kAgain);
      });
}

TEST(a_notification_given_to_the_dead_goes_to_a_living_waiter) {
  AtEveryWrite(
      "condition wait", Of(ObjectKind::kCondition), Nothing,
      [](Victim& v) {
        Condition condition(v.block);
        CHECK_EQ(condition.Enter(), kOk);
        condition.Notify(1);
        condition.TryTake();
      },
      [](Scene& s, bool) {
        Condition condition(s.block);
        CHECK_EQ(condition.Waiting(), 0);
        CHECK_EQ(condition.Enter(), kOk);
        CHECK_EQ(condition.TryTake(), kAgain);  // the dead one's notification is not for a later waiter
        CHECK_EQ(condition.Notify(5), 1);
        CHECK_EQ(condition.TryTake(), kOk);
      });
}

TEST(a_barrier_breaks_when_an_arrived_party_dies) {
  AtEveryWrite(
      "barrier arrive", Of(ObjectKind::kBarrier, 2, 0), Nothing,
      [](Victim& v) {
        uint32_t index;
        BarrierRound round;
        Barrier(v.block).Arrive(&index, &round);
      },
      [](Scene& s, bool killed) {
        Barrier barrier(s.block);
        if (!killed) CHECK(barrier.broken());
        if (!barrier.broken()) CHECK_EQ(barrier.Waiting(), 0);
        barrier.Reset();
        uint32_t index;
        BarrierRound first, second;
        CHECK(barrier.Arrive(&index, &first) == Barrier::Arrival::kWait);
        CHECK(barrier.Arrive(&index, &second) == Barrier::Arrival::kLast);
        CHECK_EQ(barrier.Finish(second), kOk);
        CHECK_EQ(barrier.Test(first), kOk);
      });
}

TEST(a_barrier_breaks_when_a_party_dies_while_another_waits) {
  uint64_t broken = 0;
  for (uint64_t k = 1;; k++) {
    Scene scene(Of(ObjectKind::kBarrier, 2, 0));
    Barrier barrier(scene.block);
    uint32_t index;
    BarrierRound round;
    CHECK(barrier.Arrive(&index, &round) == Barrier::Arrival::kWait);
    const bool killed = scene.KillAt(k, Nothing, [](Victim& v) {
      uint32_t second;
      BarrierRound same;
      CHECK(Barrier(v.block).Arrive(&second, &same) == Barrier::Arrival::kLast);
      CHECK_EQ(Barrier(v.block).Finish(same), kOk);
    });
    scene.creator.ReapAll();
    // Released, broken, or untouched: but never a last party that is gone and a first that waits for its Finish.
    const Status status = barrier.Test(round);
    if (!killed) CHECK_EQ(status, kOk);
    if (status == kBroken) broken++;
    if (status == kAgain) CHECK_EQ(barrier.Waiting(), 1);
    if (!killed) break;
  }
  CHECK(broken > 0);
}

TEST(a_reaper_that_pauses_loses_no_notification) {
  // The reaper of a dead waiter is stopped at each of its writes while somebody notifies; a living waiter waits too.
  for (uint64_t k = 1;; k++) {
    Scene scene(Of(ObjectKind::kCondition));
    Condition condition(scene.block);
    Child([&] {
      ArenaMember member(scene.segment);
      member.Join();
      Block block;
      CHECK(member->Attach(scene.block.offset(), scene.block.generation(), &block));
      CHECK_EQ(Condition(block).Enter(), kOk);
      raise(SIGKILL);
    }).Wait();
    CHECK_EQ(condition.Enter(), kOk);
    // Begin looking at the dead one's slot, so that it is the one that gets the notification if it can.
    scene.block.sync().word.Store(scene.creator.self() + 1, std::memory_order_relaxed);
    const bool stopped = scene.KillAt(
        k, Nothing, [](Victim& v) { v.member.ReapAll(); }, true);
    const uint32_t given = condition.Notify(1);
    if (stopped) {
      scene.child->Continue();
      CHECK_EQ(scene.child->Wait(), 0);
    }
    scene.creator.ReapAll();
    CHECK_EQ(given, 1);
    CHECK_EQ(condition.TryTake(), kOk);
    if (!stopped) break;
  }
}

}  // namespace
}  // namespace multiproc
