// Watch: a consumer that looks by itself at short intervals, so that producers need not wake any.
//
// Guarantee      While a watch is kept, its keeper looks at the queue within kWatchNap, and again until it has given
// the
//                watch up; so a message whose producer saw the watch and woke nobody is found by the keeper.
// Blocking       Never.
// Process death  The word says until when the watch counts. The watch of a keeper that died, or is stopped, runs out a
//                few milliseconds later and the next put wakes somebody; a message put before that is found by a
//                sleeper at the end of its slice at the latest.
// Memory order   ORDER(watch): a producer commits (seq_cst), then looks at the watch; its keeper gives it up (seq_cst),
//                then looks at the queue. At least one sees the other.
// Invariants     One word: nanoseconds of the monotonic clock, 0 if nobody watches. It is changed by compare-and-swap
//                from what the keeper wrote, so a keeper that came too late does not end the watch of another.
#pragma once

#include <cstdint>

#include "core/shared_word.h"
#include "platform/clock.h"

namespace multiproc {

inline constexpr int64_t kWatchNap = 100'000;

class Watch {
 public:
  explicit Watch(Shared<uint64_t>* until) : until_(until) {}

  // Does somebody watch? By the coarse clock, a few milliseconds late, which is a third of the price.
  static bool IsKept(const Shared<uint64_t>& until) {
    const uint64_t end = until.Load(std::memory_order_seq_cst);  // ORDER(watch)
    if (end == 0) return false;
    const int64_t left = static_cast<int64_t>(end - static_cast<uint64_t>(CoarseMonotonicNanos()));
    // More than a keeper can have written: damage, or another clock. Wakes too many harm nobody.
    return left > 0 && left <= kLongest;
  }

  // Takes the watch, unless somebody has it.
  bool Take() {
    const uint64_t before = until_->Load(std::memory_order_seq_cst);
    const int64_t now = MonotonicNanos();
    const int64_t left = static_cast<int64_t>(before - static_cast<uint64_t>(now));
    if (left > 0 && left <= kLongest) return false;
    return Set(before, now);
  }
  // False if it had run out and somebody else has taken it.
  bool Renew() { return Set(mine_, MonotonicNanos()); }
  // ORDER(watch): the caller looks at the queue after this.
  void GiveUp() {
    if (mine_ == 0) return;
    uint64_t expected = mine_;
    until_->CompareExchange(expected, 0);
    mine_ = 0;
  }
  bool kept() const { return mine_ != 0; }

 private:
  // Twice the nap: a keeper that is woken a little late keeps its watch.
  static constexpr int64_t kTerm = 2 * kWatchNap;
  // The coarse clock may be late by a tick of the slowest kernel.
  static constexpr int64_t kLongest = kTerm + 10'000'000;

  bool Set(uint64_t expected, int64_t now) {
    const uint64_t end = static_cast<uint64_t>(now + kTerm);
    mine_ = until_->CompareExchange(expected, end) ? end : 0;
    return kept();
  }

  Shared<uint64_t>* until_;
  uint64_t mine_ = 0;
};

}  // namespace multiproc
