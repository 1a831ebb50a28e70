// Event: who waited before a set is released by it, also when a clear follows at once.

#include "core/event.h"

#include "two_users.h"

namespace multiproc {
namespace {

TEST(set_and_clear_are_seen_by_all) {
  TwoUsers t(ObjectKind::kEvent);
  Event mine(t.mine), theirs(t.theirs);
  CHECK(!mine.IsSet());
  for (int i = 0; i < 10; i++) {
    mine.Set();
    CHECK(theirs.IsSet());
    CHECK_EQ(theirs.Test(theirs.Epoch()), kOk);
    theirs.Clear();
    theirs.Clear();
    CHECK(!mine.IsSet());
    CHECK_EQ(mine.Test(mine.Epoch()), kAgain);
  }
}

TEST(a_set_followed_by_a_clear_still_ends_a_wait) {
  TwoUsers t(ObjectKind::kEvent);
  Event mine(t.mine), theirs(t.theirs);
  const uint32_t before = mine.Epoch();
  CHECK_EQ(mine.Test(before), kAgain);
  theirs.Set();
  theirs.Clear();
  CHECK_EQ(mine.Test(before), kOk);
  CHECK_EQ(mine.Test(mine.Epoch()), kAgain);  // a wait that begins now waits
}

TEST(a_wait_that_begins_while_it_is_set_is_over_whatever_follows) {
  TwoUsers t(ObjectKind::kEvent);
  Event mine(t.mine), theirs(t.theirs);
  // Also where the epoch has not been raised often, or is about to begin anew.
  for (const uint32_t word : {0u, 2u, UINT32_MAX - 1}) {
    t.mine.sync().word.Store(word, std::memory_order_relaxed);
    theirs.Set();
    const uint32_t began = mine.Epoch();
    theirs.Set();  // changes nothing, but comes after the wait began
    theirs.Clear();
    CHECK_EQ(mine.Test(began), kOk);
    CHECK_EQ(mine.Test(mine.Epoch()), kAgain);
  }
}

TEST(setting_twice_is_setting_once) {
  TwoUsers t(ObjectKind::kEvent);
  Event event(t.mine);
  event.Set();
  const uint32_t epoch = event.Epoch();
  event.Set();
  CHECK_EQ(event.Epoch(), epoch);
}

TEST(set_rings_every_waiter) {
  TwoUsers t(ObjectKind::kEvent);
  t.mine.waiters().Arm(t.me.self());
  t.theirs.waiters().Arm(t.other.self());
  const uint32_t first = t.segment.slots()[t.me.self()].doorbell.Load(std::memory_order_relaxed);
  const uint32_t second = t.segment.slots()[t.other.self()].doorbell.Load(std::memory_order_relaxed);
  Event(t.mine).Set();
  CHECK_EQ(t.segment.slots()[t.me.self()].doorbell.Load(std::memory_order_relaxed), first + 1);
  CHECK_EQ(t.segment.slots()[t.other.self()].doorbell.Load(std::memory_order_relaxed), second + 1);
  CHECK_EQ(t.mine.waiters().Count(), 0);
}

}  // namespace
}  // namespace multiproc
