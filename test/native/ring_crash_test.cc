// The ring whose user is killed, or stopped, at every single write to shared memory of every operation.
//
// Every message has an id; a ledger outside the ring says what was put and what was copied out. At the end: what was
// committed = what was received + what is in the queue, nothing twice, `unfinished` exact, and the ring can be filled
// and drained completely.

#include <functional>
#include <memory>

#include "child.h"
#include "core/spill.h"
#include "named_segment.h"
#include "ring_ledger.h"

namespace multiproc {
namespace {

struct Scenario {
  const char* name;
  RingShape shape;
  int before;               // messages that lie in the ring
  void (*prepare)(Actor&);  // what the victim does before; may be null
  void (*act)(Actor&);      // what it is killed in
  bool shuts_down = false;
};

constexpr RingShape kPlain{.start = 58};  // everything crosses the wrap of the ring
constexpr RingShape kCounted{.maxsize = 20, .counted = true, .start = 58};

const Scenario kScenarios[] = {
    {"put 1 line", kPlain, 2, nullptr, [](Actor& a) { a.Put(60); }},
    {"put 2 lines", kPlain, 2, nullptr, [](Actor& a) { a.Put(100); }},
    {"put 16 lines", kPlain, 2, nullptr, [](Actor& a) { a.Put(1016); }},
    {"put into a counted ring", kCounted, 0, nullptr, [](Actor& a) { a.Put(100); }},
    {"put into a fresh counted ring", {.counted = true}, 0, nullptr, [](Actor& a) { a.Put(100); }},
    {"put three", kCounted, 0, nullptr,
     [](Actor& a) {
       for (int i = 0; i < 3; i++) a.Put(100);
     }},
    {"put spilled", kPlain, 1, nullptr, [](Actor& a) { a.PutSpilled(10000); }},
    {"get spilled", kPlain, 0, [](Actor& a) { a.PutSpilled(10000); }, [](Actor& a) { a.Get(); }},
    {"shortened commit", kCounted, 2, nullptr, [](Actor& a) { a.PutShortened(300, 20); }},
    {"reserve and abort", kCounted, 2, nullptr, [](Actor& a) { a.ReserveAndAbort(300); }},
    {"out of order", kCounted, 2, nullptr, [](Actor& a) { a.PutTwoOutOfOrder(); }},
    {"get", kPlain, 3, nullptr, [](Actor& a) { a.Get(); }},
    {"get the only one", kCounted, 1, nullptr, [](Actor& a) { a.Get(); }},
    {"get all", kPlain, 3, nullptr,
     [](Actor& a) {
       for (int i = 0; i < 4; i++) a.Get();
     }},
    {"take and release", kCounted, 2, nullptr, [](Actor& a) { a.TakeAndRelease(); }},
    {"take and finish", kCounted, 2, nullptr, [](Actor& a) { a.TakeAndFinish(); }},
    {"take and requeue", kCounted, 2, nullptr, [](Actor& a) { a.TakeAndRequeue(); }},
    {"task done", kCounted, 2, [](Actor& a) { a.Get(); }, [](Actor& a) { a.TaskDone(); }},
    {"shutdown", kCounted, 2, nullptr, [](Actor& a) { a.ring().ShutDown(false); }, true},
    {"leave", kCounted, 2, [](Actor& a) { a.LeaveUnfinishedThings(); }, [](Actor& a) { a.member().Leave(); }},
    {"join", kCounted, 2, [](Actor& a) { a.member().Leave(); }, [](Actor& a) { a.member().Join(); }},
};

void Victim(const Scenario& scenario, const RingSegment& segment, Ledger& ledger, uint64_t k, bool stop) {
  RingMember member(segment);
  member.Join();
  Actor actor(segment, member, ledger);
  if (scenario.prepare != nullptr) scenario.prepare(actor);
  fault::Arm(k, stop);
  scenario.act(actor);
  fault::Arm(0, false);
}

// Puts and gets until told to stop: traffic that nobody's death may disturb.
void Bystander(const RingSegment& segment, Ledger& ledger, Gate& started) {
  RingMember member(segment);
  member.Join();
  Actor actor(segment, member, ledger);
  started.Open();
  for (int i = 0; i < Ledger::kBystanderMessages && ledger.stop.load() == 0; i++) {
    actor.Put(i % 3 * 40);
    actor.Get();
  }
}

// One kill: true if the victim got as far as write k.
bool KilledAt(const Scenario& scenario, uint64_t k, bool with_bystander, uint64_t uuid) {
  RingSegment segment(scenario.shape);
  segment.set_uuid(uuid);
  SharedWithChildren<Ledger> ledger;
  RingMember me(segment);
  me.Join();
  Actor actor(segment, me, *ledger);
  for (int i = 0; i < scenario.before; i++) CHECK(actor.Put(static_cast<uint64_t>(i) * 30));
  // Someone to wake makes the wake-up part of what is killed.
  for (int q = 0; q < kWaitQueues; q++) me->Waiters(q).Arm(me.self());

  Gate started;
  std::optional<Child> bystander;
  if (with_bystander) {
    bystander.emplace([&] { Bystander(segment, *ledger, started); });
    started.Pass();
  }
  const int end = Child([&] { Victim(scenario, segment, *ledger, k, false); }).Wait();
  if (end != 0) CHECK_EQ(end, -SIGKILL);
  me.ReapAll();
  CHECK_EQ(me.ReapAll(), 0);
  if (bystander) {
    ledger->stop.store(1);
    CHECK_EQ(bystander->Wait(), 0);
  }
  Balance(segment, me, *ledger, scenario.shuts_down);
  return end != 0;
}

TEST(killed_at_every_write) {
  Opened visible = Published("visible", QueueParameters());
  for (const Scenario& scenario : kScenarios) {
    uint64_t k = 1;
    while (KilledAt(scenario, k, false, visible.segment->uuid())) k++;
    printf("%s: killed at %llu writes\n", scenario.name, static_cast<unsigned long long>(k - 1));
    CHECK(k > 1);
  }
  visible.Leave();
}

TEST(killed_at_every_write_beside_a_busy_process) {
  Opened visible = Published("visible", QueueParameters());
  for (const Scenario& scenario : kScenarios) {
    // Contention adds retries, so the number of writes varies: go on until a victim survives.
    uint64_t k = 1;
    while (KilledAt(scenario, k, true, visible.segment->uuid())) k++;
    printf("%s: killed at %llu writes\n", scenario.name, static_cast<unsigned long long>(k - 1));
    CHECK(k > 1);
  }
  visible.Leave();
}

TEST(a_dead_reaper_is_followed_by_another) {
  // A first child dies writing one message and reading another; a second is killed at every write of repairing it.
  uint64_t points = 0;
  for (uint64_t k = 1;; k++) {
    RingSegment segment(kCounted);
    SharedWithChildren<Ledger> ledger;
    RingMember me(segment);
    me.Join();
    Actor actor(segment, me, *ledger);
    for (int i = 0; i < 3; i++) CHECK(actor.Put(100));
    for (int q = 0; q < kWaitQueues; q++) me->Waiters(q).Arm(me.self());
    CHECK_EQ(Child([&] {
               RingMember member(segment);
               member.Join();
               Actor(segment, member, *ledger).DieInTheMiddleOfEverything();
             }).Wait(),
             -SIGKILL);
    const int end = Child([&] {
                      RingMember member(segment);
                      member.Join();
                      fault::Arm(k, false);
                      member.ReapAll();
                      fault::Arm(0, false);
                    }).Wait();
    me.ReapAll();
    CHECK_EQ(me.ReapAll(), 0);
    Balance(segment, me, *ledger, false);
    if (end == 0) break;
    CHECK_EQ(end, -SIGKILL);
    points++;
  }
  printf("reaper: killed at %llu writes\n", static_cast<unsigned long long>(points));
  CHECK(points > 0);
}

TEST(stopped_at_every_write_is_not_dead) {
  Opened visible = Published("visible", QueueParameters());
  for (const Scenario& scenario : kScenarios) {
    for (uint64_t k = 1;; k++) {
      RingSegment segment(scenario.shape);
      segment.set_uuid(visible.segment->uuid());
      SharedWithChildren<Ledger> ledger;
      RingMember me(segment);
      me.Join();
      Actor actor(segment, me, *ledger);
      for (int i = 0; i < scenario.before; i++) CHECK(actor.Put(static_cast<uint64_t>(i) * 30));
      Child victim([&] { Victim(scenario, segment, *ledger, k, true); });
      const bool stopped = victim.AwaitStop();
      CHECK_EQ(me.ReapAll(), 0);
      if (stopped) {
        // Others go on: what lies behind a stopped process still comes and goes.
        for (int i = 0; i < 6 && me->QueueFlags() == 0; i++) {
          CHECK(actor.Put(40));
          CHECK(actor.Get());
        }
        victim.Continue();
        CHECK_EQ(victim.Wait(), 0);
      }
      Balance(segment, me, *ledger, scenario.shuts_down);
      if (!stopped) break;
    }
  }
  visible.Leave();
}

TEST(a_killed_drain_counts_every_dropped_task_once) {
  // One task is in work while another process drains two more and is killed in it.
  for (uint64_t k = 1;; k++) {
    RingSegment segment(kCounted);
    RingMember me(segment);
    me.Join();
    for (int i = 0; i < 3; i++) CHECK_EQ(Put(me.body, "task"), kOk);
    CHECK_EQ(Get(me.body), kOk);
    me->ShutDown(true);
    const int end = Child([&] {
                      RingMember member(segment);
                      member.Join();
                      std::vector<uint64_t> spilled;
                      fault::Arm(k, false);
                      member->Drain(&spilled);
                      fault::Arm(0, false);
                    }).Wait();
    me.ReapAll();
    std::vector<uint64_t> spilled;
    me->Drain(&spilled);
    CHECK_EQ(me->Unfinished(), 1);
    CHECK_EQ(me->UsedLines(), 0);
    if (end == 0) break;
    CHECK_EQ(end, -SIGKILL);
  }
}

}  // namespace
}  // namespace multiproc
