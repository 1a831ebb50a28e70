// Watchdog: each living actor that is not stopped ends an operation that can end, within a second.
//
// Its second counts only what the actors could use: no time in which one of them was stopped, since others may wait for
// what it holds; and of the rest the share of it that they ran, of the time that they wanted to run.
#pragma once

#include <optional>

#include "child.h"
#include "ledger.h"
#include "run_delay.h"

namespace multiproc::soak {

class Watchdog {
 public:
  static constexpr int64_t kPromise = 1'000'000'000;
  // Of what may have to wait for the will of others, a party at a barrier: a hang all the same.
  static constexpr int64_t kPatience = 20'000'000'000;

  explicit Watchdog(Ledger& ledger) : ledger_(ledger), last_(MonotonicNanos()) {}

  void Born(uint32_t seat, pid_t pid) { seats_[seat] = {RunDelay(pid), {}, 0, 0, clock_, clock_}; }
  void Died(uint32_t seat) { seats_[seat].delay.reset(); }

  // The seat that is stuck, if one is.
  std::optional<uint32_t> Look(bool anybody_stopped) {
    const int64_t now = MonotonicNanos();
    int64_t ran = 0, delayed = 0;
    for (Seen& seen : seats_) {
      if (!seen.delay) continue;
      const RunDelay::Times times = seen.delay->Look();
      ran += times.ran - seen.times.ran;
      delayed += times.delayed - seen.times.delayed;
      seen.times = times;
    }
    const double share =
        ran + delayed <= 0 ? 1 : static_cast<double>(std::max<int64_t>(ran, 0)) / static_cast<double>(ran + delayed);
    if (!anybody_stopped) clock_ += static_cast<int64_t>(static_cast<double>(now - last_) * share);
    total_ += now - last_;
    last_ = now;
    for (uint32_t i = 0; i < kSeatCount; i++)
      if (seats_[i].delay && IsStuck(i)) return i;
    return {};
  }

  int64_t longest() const { return longest_; }
  // Of the time that went by, how much counted.
  double share() const { return total_ == 0 ? 0 : static_cast<double>(clock_) / static_cast<double>(total_); }

 private:
  struct Seen {
    std::optional<RunDelay> delay;
    RunDelay::Times times;
    uint32_t incarnation = 0;
    uint64_t operations = 0;
    int64_t since = 0, could_end_since = 0;
  };

  bool IsStuck(uint32_t i) {
    Seen& seen = seats_[i];
    const Row& row = ledger_.rows[i];
    const uint64_t operations = row.operations.load();
    const uint32_t incarnation = row.incarnation.load();
    if (operations != seen.operations || incarnation != seen.incarnation) {
      seen.operations = operations;
      seen.incarnation = incarnation;
      seen.since = seen.could_end_since = clock_;
      return false;
    }
    if (!CanEnd(i, row)) seen.could_end_since = clock_;
    longest_ = std::max(longest_, clock_ - seen.could_end_since);
    return clock_ - seen.could_end_since > kPromise || clock_ - seen.since > kPatience;
  }
  bool CanEnd(uint32_t i, const Row& row) const {
    const uint64_t waits_for = row.message.load();
    if (kSeats[i].role != Role::kLocker || waits_for == 0) return true;
    switch (static_cast<Object>(row.object.load())) {
      case Object::kCondition:
      case Object::kEvent:
        return ledger_.generation.load() >= waits_for;
      case Object::kBarrier:
        return ledger_.barrier.newest.load() + 1 >= waits_for && ledger_.barrier.newest.load() > 0;
      default:
        return true;
    }
  }

  Ledger& ledger_;
  Seen seats_[kSeatCount];
  int64_t last_, clock_ = 0, total_ = 0, longest_ = 0;
};

}  // namespace multiproc::soak
