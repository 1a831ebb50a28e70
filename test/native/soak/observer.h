// Observer: looks for the dead everywhere, collects, lists and sweeps, as programs do that start, and is killed in the
// middle of it.
#pragma once

#include "actor.h"
#include "core/sweep.h"

namespace multiproc::soak {

class Observer : public Actor {
 public:
  using Actor::Actor;

  void Run() {
    row().attached.store(1);
    while (!In(Ledger::kEnding)) {
      switch (random().Below(4)) {
        case 0:
          Do(Doing::kSweeping);
          ledger().swept.fetch_add(SweepOrphans().size());
          break;
        case 1:
          Do(Doing::kListing);
          CheckListed();
          break;
        default:
          Visit();
      }
      OperationEnds();
      // The waiters shall mostly find the dead by themselves.
      Sleep(static_cast<int64_t>(random().Below(120'000'000)));
    }
  }

 private:
  // What is in use is never an orphan, whoever of its users died.
  void CheckListed() {
    uint32_t seen = 0;
    for (const SeenSegment& segment : ListSegments()) {
      for (uint32_t i = 0; i <= kRingCount; i++) {
        if (segment.name != RunName(i == kRingCount ? kArenaName : kRings[i].name)) continue;
        if (segment.orphan) ledger().Fail("%s is in use and listed as an orphan", segment.name.c_str());
        if (!segment.problem.empty()) ledger().Fail("%s: %s", segment.name.c_str(), segment.problem.c_str());
        seen++;
      }
    }
    if (seen != kRingCount + 1) ledger().Fail("%u segments are listed instead of %u", seen, kRingCount + 1);
  }
  void Visit() {
    const uint64_t which = random().Below(kRingCount + 1);
    Opened opened = Attach(which == kRingCount ? kArenaName : kRings[which].name);
    Do(Doing::kReaping, static_cast<uint32_t>(which));
    ledger().reaped.fetch_add(ReapAll(opened));
    if (which < kRingCount && opened.ring().HasSpilled()) {
      Do(Doing::kCollecting);
      CollectSpills(opened.segment->uuid(), opened.ring());
    }
    Do(Doing::kLeavingSegment);
    if (opened.Leave()) ledger().Fail("the last user has left although the auditor is there");
  }
};

}  // namespace multiproc::soak
