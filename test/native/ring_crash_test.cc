// The ring one of whose users is killed at every single shared write and system call of every operation, with nobody
// else, one other process and three others in the middle of operations of their own.
//
// The others find the dead by themselves and complete further operations, none of which may wait for a second. At the
// end: what was committed = what was received + what is in the queue, nothing twice, each producer's order kept,
// `unfinished` exact, and the ring can be filled and drained completely.

#include "named_segment.h"
#include "ring_others.h"
#include "worker_pool.h"

namespace multiproc {
namespace {

// What all workers found, in one scenario.
struct Tally {
  std::atomic<uint64_t> next{1};  // point to kill at
  std::atomic<uint64_t> killed{0};
  std::atomic<uint64_t> survived{0};  // since the last that was killed
  // Of the others, summed over all kills in a queue that goes on: how many there were; were inside an operation; waited
  // in it.
  std::atomic<uint64_t> others{0}, inside{0}, waiting{0};
  std::atomic<int64_t> longest{0};
};
struct Tallies {
  Tally of[std::size(kScenarios)];
};

std::vector<Role> RolesOf(const Scenario& scenario, uint32_t others) {
  if (others <= 1) return std::vector<Role>(others, scenario.beside);
  std::vector<Role> roles = {Role::kProducer, Role::kConsumer, Role::kBoth};
  for (uint32_t i = 3; i < others; i++) roles.push_back(Role::kBoth);
  return roles;
}

// One kill: true if the victim got as far as point k.
bool KilledAt(const Scenario& scenario, uint64_t k, uint32_t count, uint64_t uuid, uint64_t seed, Tally& tally) {
  RingSegment segment(scenario.shape);
  segment.set_uuid(uuid);
  SharedWithChildren<Ledger> ledger;
  RingMember me(segment);
  me.Join();
  Actor actor(segment, me, *ledger, Ledger::kMe);
  for (uint64_t i = 0; i < scenario.before; i++) CHECK(actor.TryPut(i * 30));
  // Someone to wake makes the wake-up part of what is killed.
  for (int q = 0; q < kWaitQueues; q++) me->Waiters(q).Arm(me.self());

  Victim victim(scenario, segment, *ledger, k, false);
  Others others(segment, *ledger, RolesOf(scenario, count), seed + k);
  victim.Go();
  if (count == 0) victim.FeedBy(actor);
  const int end = victim.child().Wait();
  ledger->StartTheClock();
  if (end != 0) CHECK_EQ(end, -SIGKILL);
  if (me->QueueFlags() == 0) {
    tally.others += others.count();
    tally.inside +=
        others.CountDoing([](uint32_t doing) { return doing != Ledger::kNothing && doing != Ledger::kGone; });
    tally.waiting += others.CountDoing([](uint32_t doing) { return doing == Ledger::kWaiting; });
  }
  others.GoOn(actor, scenario.beside);
  others.Stop(actor);
  tally.longest = std::max<int64_t>(tally.longest, ledger->longest);

  me.ReapAll();
  CHECK_EQ(me.ReapAll(), 0);
  const uint32_t flags = me->QueueFlags();
  CHECK(flags == 0 || scenario.shuts_down);
  Balance(segment, me, *ledger, actor,
          {.killed = end != 0, .shut_down = flags != 0, .dropped = (flags & kQueueImmediate) != 0});
  return end != 0;
}

// Waits and contention make the number of points vary: on until so many victims in a row survive.
constexpr uint64_t kSurvivors = 6;

void KillAtEveryPoint(uint32_t others) {
  const uint64_t seed = FreshSeed();
  SharedWithChildren<Tallies> tallies;
  // Most of a kill is waiting for the end of a slice: many at a time.
  RunWorkers(others == 0 ? 2 : 24, [&](uint32_t worker) {
    // Spill files of a queue that no sweep can see are removed by the next one.
    Opened visible = Published("visible." + std::to_string(worker), QueueParameters());
    for (size_t s = 0; s < std::size(kScenarios); s++) {
      Tally& tally = tallies->of[s];
      while (tally.survived < (others == 0 ? 1 : kSurvivors)) {
        if (KilledAt(kScenarios[s], tally.next++, others, visible.segment->uuid(), seed, tally)) {
          tally.killed++;
          tally.survived = 0;
        } else {
          tally.survived++;
        }
      }
    }
    visible.Leave();
  });
  uint64_t points = 0, beside = 0, inside = 0, waiting = 0;
  int64_t longest = 0;
  for (size_t s = 0; s < std::size(kScenarios); s++) {
    const Tally& tally = tallies->of[s];
    printf("%s: %llu kill points\n", kScenarios[s].name, static_cast<unsigned long long>(tally.killed));
    CHECK(tally.killed > 0);
    points += tally.killed;
    beside += tally.others;
    inside += tally.inside;
    waiting += tally.waiting;
    longest = std::max<int64_t>(longest, tally.longest);
  }
  printf(
      "total: %llu kill points, %u others; %llu of %llu inside an operation, %llu of them waiting; longest wait %lld "
      "ms\n",
      static_cast<unsigned long long>(points), others, static_cast<unsigned long long>(inside),
      static_cast<unsigned long long>(beside), static_cast<unsigned long long>(waiting),
      static_cast<long long>(longest / 1'000'000));
  if (others == 0) return;
  // Not by luck: most of the deaths found most of the others at work.
  CHECK(inside > beside / 2);
  CHECK(waiting > 0);
  CHECK(longest > 0);
}

TEST(killed_at_every_point_alone) { KillAtEveryPoint(0); }

TEST(killed_at_every_point_beside_one_other) { KillAtEveryPoint(1); }

TEST(killed_at_every_point_beside_three_others) {
  const char* more = getenv("NATIVE_TEST_OTHERS");
  KillAtEveryPoint(more == nullptr ? 3 : std::clamp<uint32_t>(static_cast<uint32_t>(atoi(more)), 3, 6));
}

}  // namespace
}  // namespace multiproc
