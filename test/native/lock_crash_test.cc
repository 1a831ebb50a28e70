// Locks, RLocks and semaphores whose user is killed at every shared write and system call, beside others.

#include "lock_scenarios.h"

namespace multiproc {
namespace {

TEST(locks_and_permits_pass_on_at_whatever_point_a_user_dies) {
  const uint64_t seed = FreshSeed();
  uint64_t points = 0;
  for (const Scenario& scenario : LockScenarios()) points += AtEveryPoint(scenario, false, seed);
  printf("locks: %llu kill points\n", static_cast<unsigned long long>(points));
}

}  // namespace
}  // namespace multiproc
