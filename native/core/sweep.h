// Sweep: what lies in /dev/shm under our prefix; removing what nobody uses.
//
// Guarantee      Only files whose life byte nobody holds are removed (a stopped process still holds its own), and
//                spill files only when the queue they belong to is gone.
// Blocking       Never.
// Process death  Removing is idempotent; a sweeper that dies leaves the rest to the next.
#pragma once

#include <string>
#include <vector>

#include "core/status.h"

namespace multiproc {

struct SeenParticipant {
  uint32_t index;
  uint32_t pid;
  std::string command;
  bool alive;
};

struct SeenSegment {
  std::string name;
  std::string kind;  // arena, queue, memory, spill, unknown
  uint64_t size = 0;
  bool orphan = false;
  uint64_t depth = 0;
  std::vector<SeenParticipant> participants;
  std::string problem;  // why it could not be read, or empty
};

// Removes orphans; returns the names removed.
std::vector<std::string> SweepOrphans();
std::vector<SeenSegment> ListSegments();

}  // namespace multiproc
