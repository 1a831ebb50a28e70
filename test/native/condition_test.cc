// Condition: notifications go to those that had entered, one each, and none is lost.

#include "core/condition.h"

#include "two_users.h"

namespace multiproc {
namespace {

TEST(a_notification_without_waiters_is_nothing) {
  TwoUsers t(ObjectKind::kCondition);
  Condition condition(t.mine);
  CHECK_EQ(condition.Notify(3), 0);
  CHECK_EQ(condition.Enter(), kOk);
  CHECK_EQ(condition.TryTake(), kAgain);
  CHECK(!condition.Leave());
}

TEST(n_waiters_get_n_notifications) {
  for (uint32_t n = 0; n <= 7; n++) {
    TwoUsers t(ObjectKind::kCondition);
    Condition mine(t.mine), theirs(t.theirs);
    for (int i = 0; i < 2; i++) CHECK_EQ(mine.Enter(), kOk);
    for (int i = 0; i < 3; i++) CHECK_EQ(theirs.Enter(), kOk);
    CHECK_EQ(mine.Waiting(), 5);
    CHECK_EQ(theirs.Notify(n), std::min(n, 5u));
    CHECK_EQ(mine.Waiting(), 5 - std::min(n, 5u));
    uint32_t taken = 0;
    while (mine.TryTake() == kOk) taken++;
    while (theirs.TryTake() == kOk) taken++;
    CHECK_EQ(taken, std::min(n, 5u));
  }
}

TEST(later_waiters_get_nothing_of_earlier_notifications) {
  TwoUsers t(ObjectKind::kCondition);
  Condition mine(t.mine), theirs(t.theirs);
  CHECK_EQ(mine.Enter(), kOk);
  CHECK_EQ(mine.Notify(10), 1);
  CHECK_EQ(theirs.Enter(), kOk);
  CHECK_EQ(theirs.TryTake(), kAgain);
  CHECK_EQ(mine.TryTake(), kOk);
  CHECK_EQ(mine.TryTake(), kAgain);
}

TEST(who_gives_up_takes_its_notification_along) {
  TwoUsers t(ObjectKind::kCondition);
  Condition condition(t.mine);
  for (int i = 0; i < 2; i++) CHECK_EQ(condition.Enter(), kOk);
  CHECK_EQ(condition.Notify(1), 1);
  CHECK(!condition.Leave());  // one of the two was not notified: that one leaves
  CHECK(condition.Leave());
  CHECK_EQ(condition.TryTake(), kAgain);
  CHECK_EQ(condition.Waiting(), 0);
  CHECK(!condition.Leave());
}

TEST(a_leavers_notification_goes_to_another_waiter) {
  TwoUsers t(ObjectKind::kCondition);
  Condition mine(t.mine), theirs(t.theirs);
  CHECK_EQ(theirs.Enter(), kOk);
  CHECK_EQ(mine.Notify(1), 1);
  CHECK_EQ(mine.Enter(), kOk);
  t.other.Leave();
  CHECK_EQ(mine.TryTake(), kOk);
  CHECK_EQ(mine.Waiting(), 0);
}

TEST(a_leaver_without_notification_is_forgotten) {
  TwoUsers t(ObjectKind::kCondition);
  Condition mine(t.mine), theirs(t.theirs);
  CHECK_EQ(theirs.Enter(), kOk);
  t.other.Leave();
  CHECK_EQ(mine.Waiting(), 0);
  CHECK_EQ(mine.Notify(1), 0);
}

TEST(waiters_of_one_participant_are_limited_by_their_count) {
  TwoUsers t(ObjectKind::kCondition);
  Condition condition(t.mine);
  for (int i = 0; i < 65535; i++) CHECK_EQ(condition.Enter(), kOk);
  CHECK_EQ(condition.Enter(), kSystem);
  CHECK_EQ(condition.Notify(UINT32_MAX), 65535);
  for (int i = 0; i < 65535; i++) CHECK_EQ(condition.TryTake(), kOk);
  CHECK_EQ(condition.TryTake(), kAgain);
}

TEST(turns_go_round) {
  TwoUsers t(ObjectKind::kCondition);
  Condition mine(t.mine), theirs(t.theirs);
  int first = 0, second = 0;
  for (int i = 0; i < 10; i++) {
    CHECK_EQ(mine.Enter(), kOk);
    CHECK_EQ(theirs.Enter(), kOk);
    CHECK_EQ(mine.Notify(1), 1);
    if (mine.TryTake() == kOk)
      first++;
    else
      mine.Leave();
    if (theirs.TryTake() == kOk)
      second++;
    else
      theirs.Leave();
  }
  CHECK_EQ(first + second, 10);
  CHECK(first >= 3 && second >= 3);
}

}  // namespace
}  // namespace multiproc
