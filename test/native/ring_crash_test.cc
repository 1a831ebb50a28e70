// The ring one of whose users is killed at every single shared write and system call of every operation, with nobody
// else, one other process and three others in the middle of operations of their own.
//
// The others find the dead by themselves and complete further operations, none of which may wait for a second. At the
// end: what was committed = what was received + what is in the queue, nothing twice, each producer's order kept,
// `unfinished` exact, and the ring can be filled and drained completely.

#include "named_segment.h"
#include "ring_others.h"
#include "short_form.h"
#include "worker_pool.h"

namespace multiproc {
namespace {

// More than any operation has.
constexpr uint64_t kMostPoints = 200;

// What all workers found, in one scenario.
struct Tally {
  std::atomic<uint64_t> next{1};    // point to kill at
  std::atomic<uint64_t> points{0};  // that the victim passes alone
  std::atomic<uint64_t> tried{0};   // of these
  std::atomic<uint64_t> killed{0};
  std::atomic<uint64_t> again{0};     // set-ups beyond the first of a point
  std::atomic<uint64_t> survived{0};  // beyond those points, since the last that was killed
  std::atomic<bool> missed[kMostPoints] = {};
  // Of the others, summed over all kills in a queue that goes on: how many there were; were inside an operation; waited
  // in it.
  std::atomic<uint64_t> others{0}, inside{0}, waiting{0};
  std::atomic<int64_t> longest{0};
};
struct Tallies {
  Tally of[std::size(kScenarios)];
};

// One kill: true if the victim got as far as point k. In later tries (n) we go on waiting when one of the others has
// woken us, and in every other one of them the others stay in the middle of their operations until the victim waits.
bool KilledAt(const Scenario& scenario, uint64_t k, uint32_t count, uint64_t uuid, uint64_t seed, uint64_t n,
              Tally& tally) {
  RingSegment segment(scenario.shape);
  segment.set_uuid(uuid);
  SharedWithChildren<Ledger> ledger;
  RingMember me(segment);
  me.Join();
  Actor actor(segment, me, *ledger, Ledger::kMe);
  for (uint64_t i = 0; i < scenario.before; i++) CHECK(actor.TryPut(i * 30));
  // Someone to wake makes the wake-up part of what is killed.
  const auto wait = [&] {
    for (int q = 0; q < kWaitQueues; q++) me->Waiters(q).Arm(me.self());
  };
  wait();

  Victim victim(scenario, segment, *ledger, k, false);
  if (n % 2 == 1) ledger->hold.store(1);
  Others others(segment, *ledger, RolesOf(scenario, count), seed + k);
  victim.Go();
  if (count == 0) victim.FeedBy(actor);
  while (n > 0 && !victim.child().HasChanged()) {
    wait();
    if (IsWaiting(segment) && !scenario.gives_up) others.LetGo();
    sched_yield();
  }
  const int end = victim.child().Wait();
  others.LetGo();
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

// Waits and contention make the number of points vary. Each point that the victim passes alone is tried in one fresh
// set-up after the other until it dies there, and further points until so many in a row were not met. Some stay out of
// reach: alone it rings a waiter that does not sleep, and then the next; beside others it finds a sleeper first, or
// head cannot move on because of what another one holds.
constexpr uint64_t kTries = kSanitized ? 10 : 24;
constexpr uint64_t kSurvivors = 6, kMostBeyond = 60;

bool KilledAtLast(size_t s, uint64_t k, uint32_t others, uint64_t uuid, uint64_t seed, Tally& tally) {
  const uint64_t tries = k <= tally.points ? kTries : 1;
  for (uint64_t n = 0; n < tries; n++) {
    if (n > 0) tally.again++;
    if (KilledAt(kScenarios[s], k, others, uuid, seed + n * kMostPoints, n, tally)) return true;
  }
  return false;
}

void KillAtEveryPoint(uint32_t others) {
  const uint64_t seed = FreshSeed();
  const uint64_t step = others == 0 ? 1 : OneOf(3, 4);
  SharedWithChildren<Tallies> tallies;
  if (others > 0) {
    RunWorkers(1, [&](uint32_t) {
      Opened visible = Published("alone", QueueParameters());
      for (size_t s = 0; s < std::size(kScenarios); s++)
        tallies->of[s].points = PointsAlone(kScenarios[s], visible.segment->uuid());
      visible.Leave();
    });
  }
  // Most of a kill is waiting for the end of a slice: many at a time.
  RunWorkers(others == 0 ? 2 : 24, [&](uint32_t worker) {
    // Spill files of a queue that no sweep can see are removed by the next one.
    Opened visible = Published("visible." + std::to_string(worker), QueueParameters());
    for (size_t s = 0; s < std::size(kScenarios); s++) {
      Tally& tally = tallies->of[s];
      while (tally.survived < (others == 0 ? 1 : kSurvivors)) {
        const uint64_t k = tally.next++;
        CHECK(k < kMostPoints);
        if (others > 0 && k > tally.points + kMostBeyond) break;
        if ((k + seed + s) % step != 0) continue;
        if (k <= tally.points) tally.tried++;
        const bool killed = KilledAtLast(s, k, others, visible.segment->uuid(), seed, tally);
        if (killed) {
          tally.killed++;
          tally.survived = 0;
        } else if (k <= tally.points) {
          tally.missed[k] = true;
        } else {
          tally.survived++;
        }
      }
    }
    visible.Leave();
  });
  uint64_t points = 0, tried = 0, missed = 0, beside = 0, inside = 0, waiting = 0;
  int64_t longest = 0;
  for (size_t s = 0; s < std::size(kScenarios); s++) {
    const Tally& tally = tallies->of[s];
    printf("%s: %llu kill points", kScenarios[s].name, static_cast<unsigned long long>(tally.killed));
    if (others > 0) {
      printf(" (alone %llu, %llu tried anew)", static_cast<unsigned long long>(tally.points),
             static_cast<unsigned long long>(tally.again));
    }
    for (uint64_t k = 1; k < kMostPoints; k++) {
      if (!tally.missed[k]) continue;
      missed++;
      printf(", never at %llu", static_cast<unsigned long long>(k));
    }
    printf("\n");
    tried += tally.tried;
    // Of two points alone, one of four can be none.
    CHECK(tally.killed > 0 || tally.points < step);
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
  printf("of the %llu points alone that were tried, %llu were tried in vain\n", static_cast<unsigned long long>(tried),
         static_cast<unsigned long long>(missed));
  CHECK(missed * 20 < tried);
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
