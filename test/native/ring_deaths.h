// Deaths at a ring that somebody has to repair.
#pragma once

#include "ring_scenarios.h"

namespace multiproc {

// A death to be repaired: the victim of a scenario, killed at each of a few points of it.
struct Death {
  const char* scenario;
  uint64_t point;
};

inline const Scenario& Named(const char* name) {
  for (const Scenario& scenario : kScenarios) {
    if (strcmp(scenario.name, name) == 0) return scenario;
  }
  check::Fail(__FILE__, __LINE__, std::string("there is no scenario ") + name);
}

// Claimed or taken, not yet counted; counted, not yet committed or freed; in the middle of giving everything back.
inline const Death kDeaths[] = {
    {"put into a counted ring", 3},
    {"put spilled", 8},
    {"put spilled", 16},
    {"get spilled", 3},
    {"get spilled", 8},
    {"reserve and commit less", 9},
    {"commit out of order", 8},
    {"take and ack", 4},
    {"take and ack", 6},
    {"wait for a message", 4},
    {"shut down immediately", 12},
    {"close", 2},
};

inline void ReapAndCollect(RingMember& member, const RingSegment& segment) {
  if (member.ReapAll() > 0 && member->HasSpilled()) CollectSpills(segment.uuid(), member.body);
}

}  // namespace multiproc
