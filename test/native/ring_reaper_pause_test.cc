// Those who repair a ring after a death, stopped at every shared write and system call of the repair: what the dead one
// had and they have not repaired yet waits for them, and nothing else does.

#include "ring_deaths.h"
#include "ring_stops.h"

namespace multiproc {
namespace {

void Die(const Death& death, Actor& reaper) {
  const Scenario& scenario = Named(death.scenario);
  Child dead([&] {
    RingMember member(reaper.segment());
    member.Join();
    CHECK_EQ(member.self(), kDeadSlot);
    Actor actor(reaper.segment(), member, reaper.ledger(), Ledger::kVictim);
    if (scenario.prepare != nullptr) scenario.prepare(actor);
    fault::Arm(death.point, false);
    scenario.act(actor);
  });
  CHECK_EQ(dead.Wait(), -SIGKILL);
}

std::vector<Scenario> Repairs() {
  std::vector<Scenario> repairs;
  for (const Death& death : kDeaths) {
    Scenario scenario = Named(death.scenario);
    scenario.prepare = [&](Actor& reaper) { Die(death, reaper); };
    scenario.act = [](Actor& reaper) { ReapAndCollect(reaper.member(), reaper.segment()); };
    scenario.feed = {};
    scenario.repairs = true;
    repairs.push_back(scenario);
  }
  return repairs;
}

TEST(a_stopped_reaper_keeps_one_other_from_nothing_else) { StopBeside(Repairs(), 1); }

TEST(a_stopped_reaper_keeps_three_others_from_nothing_else) { StopBeside(Repairs(), 3); }

}  // namespace
}  // namespace multiproc
