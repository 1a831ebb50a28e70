// The watch word: one keeper at a time, an end by the clock, and values that nobody wrote.

#include "core/watch.h"
#include "check.h"

namespace multiproc {
namespace {

uint64_t In(int64_t nanos) { return static_cast<uint64_t>(MonotonicNanos() + nanos); }

TEST(there_is_one_keeper) {
  Shared<uint64_t> word{};
  Watch mine(&word), other(&word);
  CHECK(!Watch::IsKept(word));
  CHECK(mine.Take());
  CHECK(Watch::IsKept(word));
  CHECK(!other.Take());
  CHECK(mine.Renew());
  mine.GiveUp();
  CHECK(!Watch::IsKept(word));
  CHECK(other.Take());
}

TEST(a_watch_runs_out) {
  Shared<uint64_t> word{};
  Watch late(&word), other(&word);
  CHECK(late.Take());
  while (Watch::IsKept(word)) {
  }
  CHECK(other.Take());
  // Who came too late neither renews nor ends the watch of another.
  CHECK(!late.Renew());
  CHECK(!late.kept());
  late.GiveUp();
  CHECK(Watch::IsKept(word));
}

TEST(what_nobody_can_have_written_counts_as_nobody) {
  Shared<uint64_t> word{};
  for (const uint64_t value : {uint64_t{1}, UINT64_MAX, uint64_t{1} << 63, In(-1'000'000'000), In(1'000'000'000)}) {
    word.Store(value, std::memory_order_seq_cst);
    CHECK(!Watch::IsKept(word));
    Watch mine(&word);
    CHECK(mine.Take());
    CHECK(Watch::IsKept(word));
  }
}

}  // namespace
}  // namespace multiproc
