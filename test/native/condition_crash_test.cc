// Events and conditions whose user is killed at every shared write and system call, beside others that wait.

#include "meeting_scenarios.h"

namespace multiproc {
namespace {

TEST(notifications_reach_the_living_at_whatever_point_somebody_dies) {
  const uint64_t seed = FreshSeed();
  uint64_t points = 0;
  for (const Scenario& scenario : ConditionScenarios()) points += AtEveryPoint(scenario, false, seed);
  printf("conditions: %llu kill points\n", static_cast<unsigned long long>(points));
}

}  // namespace
}  // namespace multiproc
