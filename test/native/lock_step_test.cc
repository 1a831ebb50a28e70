// A lock whose owner is killed behind every single machine instruction of acquiring and releasing it.
//
// Linked with the core as it ships, see stepper.h. Whoever comes next is told of the death if, and only if, the dead
// process owned the lock.

#include <optional>

#include "core/lock.h"
#include "stepper.h"
#include "unnamed_segment.h"

namespace multiproc {
namespace {

struct Scenario {
  const char* name;
  bool waiter;      // somebody is registered as waiting and has marked the lock
  bool owner_died;  // before the victim comes, which is then told
};

constexpr Scenario kScenarios[] = {
    {"free", false, false},
    {"with a waiter", true, false},
    {"left behind by a dead owner", false, true},
};

class Stage {
 public:
  explicit Stage(const Scenario& scenario) : me_(segment_) {
    me_.Join();
    me_->BecomeCreator();
    block_ = me_->Allocate(Of(ObjectKind::kLock));
    if (scenario.owner_died) {
      CHECK_EQ(Child([&] {
                 ArenaMember member(segment_);
                 CHECK_EQ(Lock(Joined(member)).TryAcquire(false), kOk);
                 raise(SIGKILL);
               }).Wait(),
               -SIGKILL);
      CHECK_EQ(me_.ReapAll(), 1);
    }
    if (scenario.waiter) block_.waiters().Arm(me_.self());
    victim_.emplace([&](Window& window) {
      ArenaMember member(segment_);
      Lock lock(Joined(member));
      window.Begin();
      const Status status = lock.TryAcquire(false);
      CHECK(status >= 0);
      CHECK_EQ(lock.Release(false), kOk);
      window.End();
    });
  }

  Stepped& victim() { return *victim_; }
  ArenaMember& me() { return me_; }
  Lock lock() { return Lock(block_); }

 private:
  Block Joined(ArenaMember& member) {
    member.Join();
    Block block;
    CHECK(member->Attach(block_.offset(), block_.generation(), &block));
    return block;
  }

  ArenaSegment segment_;
  ArenaMember me_;
  Block block_;
  std::optional<Stepped> victim_;
};

TEST(killed_at_every_instruction_of_acquire_and_release) {
  for (const Scenario& scenario : kScenarios) {
    Path path;
    {
      Stage stage(scenario);
      path = stage.victim().StepWhile([&] { return stage.victim().Inside(); });
      path.pop_back();  // behind the operation
      stage.victim().Finish();
    }
    uint64_t kills = 0, owned = 0, changes = 0;
    bool owns = false;
    for (uint64_t k = 0; k < path.size(); k += kStride) {
      Stage stage(scenario);
      CHECK(stage.victim().RunTo(path, k));
      const bool taken = stage.lock().Owner() != 0;
      changes += taken != owns;
      owns = taken;
      owned += owns;

      // Stopped is not dead: nobody gets what it has.
      CHECK_EQ(stage.me().ReapAll(), 0);
      if (owns) CHECK_EQ(stage.lock().TryAcquire(false), kAgain);
      stage.victim().Kill();
      CHECK_EQ(stage.me().ReapAll(), 1);

      // Before the victim took it over, the death of the owner before it is still to be told.
      const bool to_be_told = owns || (scenario.owner_died && changes == 0);
      CHECK_EQ(stage.lock().TryAcquire(false), to_be_told ? kOkOwnerDied : kOk);
      CHECK_EQ(stage.lock().Release(false), kOk);
      CHECK_EQ(stage.lock().TryAcquire(false), kOk);
      CHECK_EQ(stage.lock().Release(false), kOk);
      kills++;
    }
    printf("acquire and release, %s: killed at %llu instructions, %llu of them as the owner\n", scenario.name,
           static_cast<unsigned long long>(kills), static_cast<unsigned long long>(owned));
    CHECK(owned > 0);
    CHECK_EQ(changes, 2);
  }
}

}  // namespace
}  // namespace multiproc
