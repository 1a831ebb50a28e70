// Those who repair a ring after a death, killed themselves: at every single shared write and system call of the repair
// of several deaths, alone and beside others who repair at the same time.

#include "named_segment.h"
#include "ring_deaths.h"
#include "worker_pool.h"

namespace multiproc {
namespace {

struct Tallies {
  std::atomic<uint64_t> next[std::size(kDeaths)];
  std::atomic<uint64_t> killed[std::size(kDeaths)];
  // In a row, since the last that was killed.
  std::atomic<uint64_t> survived[std::size(kDeaths)];
};

// One reaper killed: true if it got as far as point k.
bool KilledAt(const Death& death, uint64_t k, uint32_t others, uint64_t uuid) {
  const Scenario& scenario = Named(death.scenario);
  RingSegment segment(scenario.shape);
  segment.set_uuid(uuid);
  SharedWithChildren<Ledger> ledger;
  RingMember me(segment);
  me.Join();
  Actor actor(segment, me, *ledger, Ledger::kMe);
  for (uint64_t i = 0; i < scenario.before; i++) CHECK(actor.TryPut(i * 30));
  for (int q = 0; q < kWaitQueues; q++) me->Waiters(q).Arm(me.self());
  Victim victim(scenario, segment, *ledger, death.point, false);
  victim.Go();
  victim.FeedBy(actor);
  CHECK_EQ(victim.child().Wait(), -SIGKILL);
  const bool busy = !me->Busy().empty();

  // All of them have joined before the first repairs: a joiner would repair by itself.
  Gate joined, go;
  const auto reaper = [&](uint64_t point) {
    RingMember member(segment);
    // Not into the slot of the dead, which joining would repair.
    CHECK_EQ(segment.slots()[kVictimSlot].state.Load(std::memory_order_seq_cst), kSlotLive);
    member.Join();
    joined.Open();
    go.Pass();
    fault::Arm(point, false);
    ReapAndCollect(member, segment);
    fault::Arm(0, false);
    // The others go on until everything is repaired, whoever does it.
    while (point == 0 && ledger->stop == 0) {
      ReapAndCollect(member, segment);
      sched_yield();
    }
  };
  Child first([&] { reaper(k); });
  std::vector<Child> beside;
  for (uint32_t i = 0; i < others; i++) beside.push_back(Child([&] { reaper(0); }));
  for (uint32_t i = 0; i <= others; i++) joined.Pass();
  for (uint32_t i = 0; i <= others; i++) go.Open();
  const int end = first.Wait();
  if (end != 0) CHECK_EQ(end, -SIGKILL);
  if (others > 0) {
    // Repaired by those who are left, the first death and the second.
    const auto dead = [&] {
      for (uint32_t i = 0; i < me.registry.count(); i++) {
        const bool live = segment.slots()[i].state.Load(std::memory_order_seq_cst) == kSlotLive;
        if (live && !me.registry.Alive(i)) return true;
      }
      return false;
    };
    while (dead()) sched_yield();
  }
  ledger->stop.store(1);
  for (Child& child : beside) CHECK_EQ(child.Wait(), 0);
  // Only now: until they have ended, one of them may be in the middle of collecting what came back.
  if (others > 0) CHECK(!busy || me->Busy().empty());
  me.ReapAll();
  CHECK_EQ(me.ReapAll(), 0);
  const uint32_t flags = me->QueueFlags();
  Balance(segment, me, *ledger, actor,
          {.killed = true, .shut_down = flags != 0, .dropped = (flags & kQueueImmediate) != 0});
  return end != 0;
}

// Beside others there may be nothing left to do: on until so many in a row survive.
constexpr uint64_t kSurvivors = 5;

void KillReapers(uint32_t others) {
  SharedWithChildren<Tallies> tallies;
  RunWorkers(2, [&](uint32_t worker) {
    Opened visible = Published("visible." + std::to_string(worker), QueueParameters());
    for (size_t d = 0; d < std::size(kDeaths); d++) {
      while (tallies->survived[d] < (others == 0 ? 1 : kSurvivors)) {
        const uint64_t k = ++tallies->next[d];
        if (KilledAt(kDeaths[d], k, others, visible.segment->uuid())) {
          tallies->killed[d]++;
          tallies->survived[d] = 0;
        } else {
          tallies->survived[d]++;
        }
      }
    }
    visible.Leave();
  });
  uint64_t points = 0;
  for (size_t d = 0; d < std::size(kDeaths); d++) {
    printf("repair of %s at %llu: %llu kill points\n", kDeaths[d].scenario,
           static_cast<unsigned long long>(kDeaths[d].point), static_cast<unsigned long long>(tallies->killed[d]));
    CHECK(tallies->killed[d] > 0);
    points += tallies->killed[d];
  }
  printf("total: %llu kill points of reapers, %u others\n", static_cast<unsigned long long>(points), others);
}

TEST(a_dead_reaper_is_followed_by_another) { KillReapers(0); }

TEST(a_dead_reaper_beside_another_at_work) { KillReapers(1); }

TEST(a_dead_reaper_beside_three_at_work) { KillReapers(3); }

TEST(a_killed_drain_counts_every_dropped_task_once) {
  // One task is in work while another process drains two more and is killed in it.
  uint64_t points = 0;
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
    points++;
  }
  printf("total: %llu kill points of a drain\n", static_cast<unsigned long long>(points));
  CHECK(points > 0);
}

}  // namespace
}  // namespace multiproc
