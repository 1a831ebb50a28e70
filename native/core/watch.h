// Watch: a consumer that looks by itself at short intervals, so that producers need not wake any.
//
// Guarantee      A message whose producer saw the watch and woke nobody is found by the keeper, or by those whom the
//                keeper wakes when it gives the watch up.
// Blocking       Never.
// Process death  The word says until when the watch counts. The watch of a keeper that died, or is stopped, runs out a
//                few milliseconds later and the next put wakes somebody; a message put before that is found by a
//                sleeper at the end of its slice at the latest.
// Memory order   ORDER(watch): a producer commits (seq_cst), then looks at the watch; its keeper gives it up (seq_cst),
//                then looks at the queue. At least one sees the other.
// Invariants     One word: nanoseconds of the monotonic clock, 0 if nobody watches. It is changed by compare-and-swap
//                from what the keeper wrote, so a keeper that came too late does not end the watch of another.
#pragma once

#include <algorithm>
#include <cstdint>

#include "core/shared_word.h"

namespace multiproc {

// All times in nanoseconds of the monotonic clock.
class Watch {
 public:
  // A keeper sleeps so long between two looks.
  static constexpr int64_t kNap = 100'000;
  // Twice the nap: a keeper that is woken a little late keeps its watch.
  static constexpr int64_t kTerm = 2 * kNap;

  explicit Watch(Shared<uint64_t>* until) : until_(until) {}

  // Does a watch that lasts until `end`, not 0, count at `now`, which may be up to 10 ms old? A time farther ahead than
  // a keeper writes is damage, or another clock, and counts as past: a wake too many harms nobody.
  static bool Counts(uint64_t end, int64_t now) {
    const int64_t left = static_cast<int64_t>(end - static_cast<uint64_t>(now));
    return left > 0 && left <= kTerm + 10'000'000;
  }

  // Takes the watch, unless somebody has it.
  bool Take(int64_t now) {
    const uint64_t before = until_->Load(std::memory_order_seq_cst);
    return (before == 0 || !Counts(before, now)) && Set(before, now);
  }
  // False if it had run out and somebody else has taken it.
  bool Renew(int64_t now) { return Set(mine_, now); }
  // ORDER(watch): the caller looks at the queue after this.
  void GiveUp() {
    if (mine_ == 0) return;
    uint64_t expected = mine_;
    until_->CompareExchange(expected, 0);
    mine_ = 0;
  }
  bool kept() const { return mine_ != 0; }

 private:
  bool Set(uint64_t expected, int64_t now) {
    const uint64_t end = static_cast<uint64_t>(now + kTerm);
    mine_ = until_->CompareExchange(expected, end) ? end : 0;
    return kept();
  }

  Shared<uint64_t>* until_;
  uint64_t mine_ = 0;
};

// Whether to watch, learnt from how it went: where messages come one at a time, each would wait for the end of a nap.
// Private memory.
class WatchHabit {
 public:
  // To be asked once in each wait.
  bool Wants() {
    if (waits_ == 0) return true;
    waits_--;
    return false;
  }
  // A watch has ended; so many messages came meanwhile.
  void Learn(uint64_t messages) {
    patience_ = messages >= kWorth ? patience_ / 2 : std::min(2 * patience_ + 1, kMostPatience);
    waits_ = patience_;
  }

 private:
  static constexpr uint64_t kWorth = 8;
  static constexpr uint32_t kMostPatience = 1023;
  uint32_t patience_ = 0;
  uint32_t waits_ = 0;
};

}  // namespace multiproc
