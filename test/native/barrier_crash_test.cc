// Barriers whose user is killed at every shared write and system call, beside others that wait.

#include "meeting_scenarios.h"

namespace multiproc {
namespace {

TEST(a_barrier_is_released_or_breaks_at_whatever_point_a_party_dies) {
  const uint64_t seed = FreshSeed();
  uint64_t points = 0;
  for (const Scenario& scenario : BarrierScenarios()) points += AtEveryPoint(scenario, false, seed);
  printf("barriers: %llu kill points\n", static_cast<unsigned long long>(points));
}

}  // namespace
}  // namespace multiproc
