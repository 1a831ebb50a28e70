// Watchdog: each living actor that is not stopped ends an operation that can end, within a second. Most are killed
// before that; so each line in which somebody stands moves within three, whoever dies in it.
//
// Its second counts only what the actors could use: no time in which one of them was stopped, since others may wait for
// what it holds; and of the rest the share of it that they ran, of the time that they wanted to run.
#pragma once

#include <optional>

#include "child.h"
#include "lines.h"
#include "run_delay.h"

namespace multiproc::soak {

class Watchdog {
 public:
  static constexpr int64_t kPromise = 1'000'000'000;
  // Of what may have to wait for the will of others, a party at a barrier: a hang all the same.
  static constexpr int64_t kPatience = 20'000'000'000;

  // Twelve slices: of those who wait for the dead, one must live to the end of one.
  static constexpr int64_t kLinePromise = 3'000'000'000;

  explicit Watchdog(Ledger& ledger) : ledger_(ledger), lines_(ledger), last_(MachineNanos()) {}

  void Born(uint32_t seat, pid_t pid) { seats_[seat] = {RunDelay(pid), {}, 0, 0, clock_, clock_}; }
  void Died(uint32_t seat) { seats_[seat].delay.reset(); }

  // The seat that is stuck, if one is.
  std::optional<uint32_t> Look(bool anybody_stopped) {
    const int64_t now = MachineNanos();
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
    return FindStuck();
  }

  int64_t longest() const { return longest_; }
  int64_t longest_line() const { return longest_line_; }
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

  std::optional<uint32_t> FindStuck() {
    std::optional<uint32_t> somebody[Lines::kCount], stuck;
    for (uint32_t i = 0; i < kSeatCount; i++) {
      // Without producers there is nothing to get.
      if (!seats_[i].delay || (IsOver() && kSeats[i].role == Role::kConsumer)) continue;
      if (IsStuck(i)) stuck = i;
      if (const auto line = lines_.Of(kSeats[i], ledger_.rows[i])) somebody[*line] = i;
    }
    for (uint32_t line = 0; line < Lines::kCount; line++) {
      Moved& moved = moved_[line];
      const uint64_t progress = lines_.Progress(line);
      if (progress != moved.progress || !somebody[line]) moved = {progress, clock_};
      longest_line_ = std::max(longest_line_, clock_ - moved.since);
      if (clock_ - moved.since > kLinePromise) stuck = somebody[line];
    }
    // Who checks everybody is checked too.
    const uint64_t rounds = ledger_.rows[kSeatCount].operations.load();
    if (rounds != audits_.progress) audits_ = {rounds, clock_};
    if (clock_ - audits_.since > kLinePromise) stuck = kSeatCount;
    return stuck;
  }
  bool IsOver() const { return ledger_.phase.load() >= Ledger::kEnding; }
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
    if (kSeats[i].role == Role::kLocker && !lines_.IsOwed(row)) seen.could_end_since = clock_;
    longest_ = std::max(longest_, clock_ - seen.could_end_since);
    return clock_ - seen.could_end_since > kPromise || clock_ - seen.since > kPatience;
  }
  struct Moved {
    uint64_t progress = 0;
    int64_t since = 0;
  };

  Ledger& ledger_;
  const Lines lines_;
  Moved moved_[Lines::kCount], audits_;
  Seen seats_[kSeatCount];
  int64_t last_, clock_ = 0, total_ = 0, longest_ = 0, longest_line_ = 0;
};

}  // namespace multiproc::soak
