// Ledger: what the crash tests of the ring know about every message, in memory of its own that no death and no repair
// touches.
#pragma once

#include <atomic>

#include "child.h"
#include "platform/clock.h"
#include "platform/futex.h"
#include "ring_messages.h"

namespace multiproc {

// Message ids count from 1; an id is the first 8 bytes of its message.
struct Ledger {
  static constexpr uint64_t kMost = 100'000;
  // Who does things to the ring, each under a number of its own: the test itself, the process that is killed or
  // stopped, and the others.
  enum : uint32_t { kMe = 0, kVictim = 1, kFirstOther = 2, kActors = 8 };
  enum Doing : uint32_t { kNothing, kPutting, kGetting, kWaiting, kGone };

  struct Entry {
    uint8_t put_began, put_ended;        // the put was called; returned
    uint8_t claimed, copied, consumed;   // times claimed; copied out; times Release returned
    uint8_t finish_began, finish_ended;  // ReleaseDone was called; returned
    uint8_t victim_copied;               // copied by the victim
    uint8_t in_queue;                    // found at the end
    uint8_t producer;
    uint8_t unordered;  // its producer did not commit in the order of its claims
  };

  // Leaves the entries as the kernel zeroed them: touching them all would cost more than a kill.
  Ledger() {}

  // Adds 1 and returns what there was before: several processes may count in one entry.
  static uint8_t Mark(uint8_t& count) { return std::atomic_ref<uint8_t>(count).fetch_add(1); }

  // From here on waits are measured, and the others count what they still complete.
  void StartTheClock() {
    over_at.store(MachineNanos());
    over.store(1);
  }

  std::atomic<uint64_t> next_id{1};
  std::atomic<uint32_t> stop{0};
  std::atomic<uint32_t> hold{0};            // the others stay in the middle of their operations
  std::atomic<uint32_t> over{0};            // the victim is dead, or survived
  std::atomic<int64_t> over_at{0};          // when, by MachineNanos
  std::atomic<int64_t> longest{0};          // nanoseconds that an operation waited after that, at most
  std::atomic<uint64_t> victims_points{0};  // that it passed, if it survived
  std::atomic<uint64_t> late{0};  // messages got behind a younger one of their producer, for no reason written here
  std::atomic<uint64_t> done_began{0}, done_ended{0};
  std::atomic<uint32_t> doing[kActors] = {};
  std::atomic<int> waits_for[kActors] = {};   // kWaiting: in which wait queue
  std::atomic<uint64_t> ended[kActors] = {};  // operations, also those in vain
  Entry entries[kMost];
};

}  // namespace multiproc
