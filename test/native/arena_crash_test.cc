// An object of an arena whose user is killed, or stopped, at every shared write and system call of letting go of it,
// taking it again, joining and leaving, beside others that do the same.

#include "core/lock.h"
#include "kill_points.h"

namespace multiproc {
namespace {

void LetGoAndTake(Actor& a) {
  const uint64_t offset = a.block.offset();
  const uint32_t generation = a.block.generation();
  a.member->Detach(a.block);
  CHECK(a.member->Attach(offset, generation, &a.block));
}

// The creator uses the block all the time, so it is the same object for all; only at the end does its memory go back
// (Scene), which a bit left by the dead would prevent.
Scenario ArenaScenario(const char* name, const Act& act) {
  return {.name = name,
          .request = [](uint32_t) { return Of(ObjectKind::kRLock); },
          .prepare = Nothing,
          .release = Nothing,
          .before = Nothing,
          .act = act,
          .round = act,
          .verify = [](Actor& a, const Outcome&) { CHECK_EQ(a.member->CountAlive(), 1); },
          .free_for_others = [](Actor&) { return true; }};
}

const Act kJoinAnew = [](Actor& a) {
  const uint64_t offset = a.block.offset();
  const uint32_t generation = a.block.generation();
  a.member.Leave();
  a.member.Join();
  CHECK(a.member->Attach(offset, generation, &a.block));
};

// Somebody who owns the object has died, and nobody has looked yet: its descriptor, with the kernel's lock, is gone.
void LeaveDeadOwner(Actor& a) {
  auto* dead = new ArenaMember(a.segment);
  dead->Join();
  Block block;
  CHECK((*dead)->Attach(a.block.offset(), a.block.generation(), &block));
  CHECK_EQ(Lock(block).TryEnter(), kOk);
  dead->fd.Reset();
}

Scenario ReapScenario() {
  Scenario scenario = ArenaScenario("arena, reap", [](Actor& a) { a.member.ReapAll(); });
  scenario.before = LeaveDeadOwner;
  scenario.dead = 1;
  scenario.verify = [](Actor& a, const Outcome&) {
    Lock lock(a.block);
    CHECK_EQ(lock.TryEnter(), kOkOwnerDied);
    CHECK_EQ(lock.Exit(), kOk);
    CHECK_EQ(lock.TryEnter(), kOk);
    CHECK_EQ(lock.Exit(), kOk);
    CHECK(a.block.sync().owner_deaths.Load(std::memory_order_relaxed) >= 1);
  };
  return scenario;
}

void Everywhere(bool stop) {
  const uint64_t seed = FreshSeed();
  const uint64_t points = AtEveryPoint(ArenaScenario("arena, detach and attach", LetGoAndTake), stop, seed) +
                          AtEveryPoint(ArenaScenario("arena, leave and join", kJoinAnew), stop, seed) +
                          AtEveryPoint(ReapScenario(), stop, seed);
  printf("arenas: %llu %s points\n", static_cast<unsigned long long>(points), stop ? "stop" : "kill");
}

TEST(a_dead_user_keeps_no_block) { Everywhere(false); }

TEST(a_stopped_user_keeps_its_block_and_nobody_waits_for_it) { Everywhere(true); }

}  // namespace
}  // namespace multiproc
