// A map whose user is killed, or stopped, at every shared write of changing it, and of repairing it after another one,
// beside others who read and change it.

#include "hash_map_scenarios.h"

namespace multiproc {
namespace {

void Everywhere(bool stop, const std::vector<Scenario>& scenarios) {
  const uint64_t seed = FreshSeed();
  uint64_t points = 0;
  for (const Scenario& scenario : scenarios) points += AtEveryPoint(scenario, stop, seed);
  printf("maps: %llu %s points\n", static_cast<unsigned long long>(points), stop ? "stop" : "kill");
}

TEST(a_dead_writer_leaves_the_old_entry_or_the_new_one) {
  Everywhere(false,
             {MapScenario("map, update", Raise, Raise), MapScenario("map, set and delete", ComeAndGo, ComeAndGo)});
}

TEST(a_clear_that_a_dead_one_had_begun_is_finished) { Everywhere(false, {ClearScenario()}); }

TEST(a_dead_reaper_is_followed_by_another) {
  Everywhere(false, {ReaperScenario(LeaveDeadWriter), ReaperScenario(LeaveDeadClearer)});
}

TEST(a_stopped_writer_keeps_other_writers_waiting_and_no_reader) {
  Everywhere(true, {MapScenario("map, update", Raise, Raise), ReadScenario()});
}

}  // namespace
}  // namespace multiproc
