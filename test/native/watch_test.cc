// The watch word: one keeper at a time, an end by the clock, and values that nobody wrote.

#include "core/watch.h"
#include "check.h"

namespace multiproc {
namespace {

constexpr int64_t kNow = 1'000'000'000'000;

bool IsKept(const Shared<uint64_t>& word, int64_t now) {
  const uint64_t end = word.Load(std::memory_order_seq_cst);
  return end != 0 && Watch::Counts(end, now);
}

TEST(there_is_one_keeper) {
  Shared<uint64_t> word{};
  Watch mine(&word), other(&word);
  CHECK(!IsKept(word, kNow));
  CHECK(mine.Take(kNow));
  CHECK(IsKept(word, kNow));
  CHECK(!other.Take(kNow + 1));
  CHECK(mine.Renew(kNow + Watch::kNap));
  CHECK(IsKept(word, kNow + Watch::kTerm));
  mine.GiveUp();
  CHECK(!IsKept(word, kNow));
  CHECK(other.Take(kNow));
}

TEST(a_watch_runs_out) {
  Shared<uint64_t> word{};
  Watch late(&word), other(&word);
  CHECK(late.Take(kNow));
  CHECK(IsKept(word, kNow + Watch::kTerm - 1));
  CHECK(!IsKept(word, kNow + Watch::kTerm));
  CHECK(other.Take(kNow + Watch::kTerm));
  // Who came too late neither renews nor ends the watch of another.
  CHECK(!late.Renew(kNow + Watch::kTerm));
  CHECK(!late.kept());
  late.GiveUp();
  CHECK(IsKept(word, kNow + Watch::kTerm));
}

TEST(a_coarse_clock_is_late) {
  Shared<uint64_t> word{};
  Watch mine(&word);
  CHECK(mine.Take(kNow));
  CHECK(IsKept(word, kNow - 10'000'000));
  CHECK(!IsKept(word, kNow - 10'000'001));
}

TEST(what_nobody_can_have_written_counts_as_nobody) {
  Shared<uint64_t> word{};
  for (const uint64_t value : {uint64_t{1}, UINT64_MAX, uint64_t{1} << 63, uint64_t{kNow - 1}, uint64_t{2 * kNow}}) {
    word.Store(value, std::memory_order_seq_cst);
    CHECK(!IsKept(word, kNow));
    Watch mine(&word);
    CHECK(mine.Take(kNow));
    CHECK(IsKept(word, kNow));
  }
}

TEST(watches_that_are_worth_nothing_become_rare) {
  WatchHabit habit;
  CHECK(habit.Wants());
  int watches = 0;
  for (int wait = 0; wait < 10'000; wait++) {
    if (!habit.Wants()) continue;
    watches++;
    habit.Learn(1);
  }
  CHECK(watches > 10 && watches < 30);
  // And come back.
  for (int wait = 0; wait < 20'000; wait++) {
    if (habit.Wants()) habit.Learn(100);
  }
  for (int wait = 0; wait < 10; wait++) {
    CHECK(habit.Wants());
    habit.Learn(100);
  }
}

}  // namespace
}  // namespace multiproc
