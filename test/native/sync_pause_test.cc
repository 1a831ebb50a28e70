// Synchronisation objects whose user is stopped at every shared write and system call, for longer than a slice: nobody
// takes it for dead, others go on where they may, and afterwards it finishes as if nothing had been.

#include "lock_scenarios.h"
#include "meeting_scenarios.h"

namespace multiproc {
namespace {

void StopEverywhere(const char* what, const std::vector<Scenario>& scenarios) {
  const uint64_t seed = FreshSeed();
  uint64_t points = 0;
  for (const Scenario& scenario : scenarios) points += AtEveryPoint(scenario, true, seed);
  printf("%s: %llu stop points\n", what, static_cast<unsigned long long>(points));
}

TEST(a_stopped_user_keeps_its_lock_and_no_other) { StopEverywhere("locks", LockScenarios()); }

TEST(a_stopped_waiter_or_notifier_is_not_dead) { StopEverywhere("conditions", ConditionScenarios()); }

TEST(a_stopped_party_breaks_no_barrier) { StopEverywhere("barriers", BarrierScenarios()); }

}  // namespace
}  // namespace multiproc
