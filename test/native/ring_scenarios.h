// Scenarios: every operation on a ring in which a process is killed or stopped, and how it gets that far.
#pragma once

#include <functional>
#include <optional>

#include "ring_balance.h"

namespace multiproc {

// What the process beside the victim does: the opposite, so that neither waits for ever.
enum class Role { kProducer, kConsumer, kBoth };

// Whoever waits gets what it waits for once it does: a wait of the victim in which the test looks on.
struct Feed {
  // Null: the victim waits for nothing.
  bool (*waits)(const RingSegment& segment) = nullptr;
  void (*give)(Actor& me) = nullptr;
};

struct Scenario {
  const char* name;
  RingShape shape;
  uint64_t before;                      // messages that lie in the ring
  std::function<void(Actor&)> prepare;  // what the victim does before; may be null
  std::function<void(Actor&)> act;      // what it is killed in
  Role beside = Role::kConsumer;
  Feed feed = {};
  bool shuts_down = false;
  bool gives_up = false;  // its waits end by themselves
  bool repairs = false;   // what another one left that has died
};

// The victim is the second to join; one that died before the others came, the third.
constexpr uint32_t kVictimSlot = 1, kDeadSlot = 2;

template <Ring::WaitQueueIndex which>
bool IsArmed(const RingSegment& segment) {
  const uint64_t bits = segment.control().waiter_bits[which][0].Load(std::memory_order_seq_cst);
  return (bits >> kVictimSlot & 1) != 0;
}
inline bool IsWaiting(const RingSegment& segment) {
  return IsArmed<Ring::kData>(segment) || IsArmed<Ring::kSpace>(segment) || IsArmed<Ring::kJoin>(segment);
}
// Or has kept it: it does so before it is armed.
inline bool KeepsWatch(const RingSegment& segment) {
  return segment.control().watched_until.Load(std::memory_order_seq_cst) != 0 || IsArmed<Ring::kData>(segment);
}

inline constexpr RingShape kPlain{.start = 58};  // everything crosses the wrap of the ring
inline constexpr RingShape kCounted{.maxsize = 20, .counted = true, .start = 58};
inline constexpr RingShape kNarrow{.maxsize = 3, .counted = true, .start = 58};
inline constexpr int64_t kShortWait = 2'000'000;
inline constexpr Role kP = Role::kProducer, kC = Role::kConsumer;

inline const Scenario kScenarios[] = {
    {"put 1 line", kPlain, 2, nullptr, [](Actor& a) { a.Put(52); }},
    {"put 2 lines", kPlain, 2, nullptr, [](Actor& a) { a.Put(100); }},
    {"put 16 lines", kPlain, 2, nullptr, [](Actor& a) { a.Put(1016); }},
    {"put into a counted ring", kCounted, 0, nullptr, [](Actor& a) { a.Put(100); }},
    {"put into a fresh counted ring", {.counted = true}, 0, nullptr, [](Actor& a) { a.Put(100); }},
    {"put a batch", kCounted, 0, nullptr,
     [](Actor& a) {
       for (int i = 0; i < 3; i++) a.Put(100);
     }},
    {"put spilled", kPlain, 1, nullptr, [](Actor& a) { a.PutSpilled(10000); }},
    {"get spilled", kPlain, 0, [](Actor& a) { a.PutSpilled(10000); }, [](Actor& a) { a.Get(); }, kP},
    {"reserve and commit less", kCounted, 2, nullptr, [](Actor& a) { a.PutShortened(300, 20); }},
    {"reserve and abort", kCounted, 2, nullptr, [](Actor& a) { a.ReserveAndAbort(300); }},
    {"commit out of order", kCounted, 2, nullptr, [](Actor& a) { a.PutTwoOutOfOrder(); }},
    {"get", kPlain, 3, nullptr, [](Actor& a) { a.Get(); }, kP},
    {"get the only one", kCounted, 1, nullptr, [](Actor& a) { a.Get(); }, kP},
    {"get a batch", kPlain, 3, nullptr,
     [](Actor& a) {
       for (int i = 0; i < 3; i++) a.Get();
       a.TryGet();
     },
     kP},
    {"receive and release", kCounted, 2, nullptr,
     [](Actor& a) {
       if (!a.Take()) return;
       a.CountAttempt();
       a.Release();
     },
     kP},
    {"take and ack", kCounted, 2, nullptr, [](Actor& a) { a.Take() && a.Finish(); }, kP},
    {"take and give back", kCounted, 2, nullptr, [](Actor& a) { a.Take() && a.Requeue(); }, kP},
    {"task done", kCounted, 2, [](Actor& a) { a.Get(); }, [](Actor& a) { a.TaskDone(); }, kP},
    {"wait for a message",
     kPlain,
     0,
     nullptr,
     [](Actor& a) { a.Get(); },
     kP,
     {IsArmed<Ring::kData>, [](Actor& me) { me.TryPut(100); }}},
    {"keep the watch",
     kPlain,
     0,
     nullptr,
     [](Actor& a) { a.Get(); },
     kP,
     {KeepsWatch, [](Actor& me) { me.TryPut(9); }}},
    {"wait for a message in vain",
     kPlain,
     0,
     nullptr,
     [](Actor& a) { a.WaitInVainForAMessage(kShortWait); },
     kP,
     {},
     false,
     true},
    {"wait for room",
     kNarrow,
     3,
     nullptr,
     [](Actor& a) { a.Put(100); },
     kC,
     {IsArmed<Ring::kSpace>, [](Actor& me) { me.TryGet(); }}},
    {"wait for room in vain",
     kNarrow,
     3,
     nullptr,
     [](Actor& a) { a.WaitInVainForRoom(kShortWait); },
     kC,
     {},
     false,
     true},
    {"wait for the last task",
     kCounted,
     1,
     nullptr,
     [](Actor& a) { a.WaitForTheTasks(50'000'000); },
     kC,
     {IsArmed<Ring::kJoin>, [](Actor& me) { me.Take() && me.Finish(); }},
     false,
     true},
    {"shut down", kCounted, 2, nullptr, [](Actor& a) { a.ring().ShutDown(false); }, kC, {}, true},
    {"shut down immediately", kCounted, 3, nullptr, [](Actor& a) { a.ShutDownImmediately(); }, kP, {}, true},
    {"shut down spilled immediately",
     kPlain,
     1,
     [](Actor& a) { a.PutSpilled(5000); },
     [](Actor& a) { a.ShutDownImmediately(); },
     kP,
     {},
     true},
    {"release the last of a queue shut down",
     kCounted,
     1,
     [](Actor& a) {
       a.Take();
       a.ring().ShutDown(false);
     },
     [](Actor& a) { a.Release(); },
     kC,
     {},
     true},
    {"close", kCounted, 2, [](Actor& a) { a.LeaveUnfinishedThings(); }, [](Actor& a) { a.member().Leave(); }},
    {"open", kCounted, 2, [](Actor& a) { a.member().Leave(); }, [](Actor& a) { a.member().Join(); }},
};

// The victim of a scenario, prepared and waiting for the word to go on.
class Victim {
 public:
  Victim(const Scenario& scenario, const RingSegment& segment, Ledger& ledger, uint64_t k, bool stop)
      : scenario_(scenario), segment_(segment), child_([&] {
          RingMember member(segment);
          member.Join();
          CHECK_EQ(member.self(), kVictimSlot);
          Actor actor(segment, member, ledger, Ledger::kVictim);
          if (scenario.prepare != nullptr) scenario.prepare(actor);
          prepared_.Open();
          go_.Pass();
          fault::Arm(k, stop);
          scenario.act(actor);
          ledger.victims_points = fault::Count();
          fault::Arm(0, false);
        }) {
    prepared_.Pass();
  }

  void Go() { go_.Open(); }
  // Gives it what it waits for, once it does. False if it was killed or stopped, or has ended, before that.
  bool FeedBy(Actor& me) {
    if (scenario_.feed.waits == nullptr) return true;
    while (!child_.HasChanged()) {
      if (scenario_.feed.waits(segment_)) {
        scenario_.feed.give(me);
        return true;
      }
      sched_yield();
    }
    return false;
  }
  Child& child() { return child_; }

 private:
  const Scenario& scenario_;
  const RingSegment& segment_;
  Gate prepared_, go_;
  Child child_;
};

// How many points the victim passes that nobody kills.
inline uint64_t PointsAlone(const Scenario& scenario, uint64_t uuid) {
  RingSegment segment(scenario.shape);
  segment.set_uuid(uuid);
  SharedWithChildren<Ledger> ledger;
  RingMember me(segment);
  me.Join();
  Actor actor(segment, me, *ledger, Ledger::kMe);
  for (uint64_t i = 0; i < scenario.before; i++) CHECK(actor.TryPut(i * 30));
  for (int q = 0; q < kWaitQueues; q++) me->Waiters(q).Arm(me.self());
  Victim victim(scenario, segment, *ledger, 0, false);
  victim.Go();
  victim.FeedBy(actor);
  CHECK_EQ(victim.child().Wait(), 0);
  me.ReapAll();
  const uint32_t flags = me->QueueFlags();
  Balance(segment, me, *ledger, actor,
          {.killed = scenario.repairs, .shut_down = flags != 0, .dropped = (flags & kQueueImmediate) != 0});
  CHECK(ledger->victims_points > 0);
  return ledger->victims_points;
}

}  // namespace multiproc
