// Pipes: what the last user of an end leaves behind, by closing it or by dying.

#include "child.h"
#include "core/blocking.h"
#include "ring_messages.h"

namespace multiproc {
namespace {

constexpr int64_t kLong = 20'000'000'000;

Status BlockedGet(RingMember& member) {
  SpinBudget spin(false);
  Claim claim;
  Status status = kAgain;
  const int64_t deadline = MonotonicNanos() + kLong;
  while (status == kAgain && MonotonicNanos() < deadline) {
    status = member->Block(Ring::kData, spin, kLong, [&] { return member->TryClaim(UINT64_MAX, &claim); });
    if (status == kAgain) member.ReapAll();  // a slice has ended
  }
  if (status == kOk) CHECK_EQ(member->Release(claim.position), kOk);
  return status;
}

TEST(without_ends_nobody_is_missed) {
  RingSegment segment({});
  RingMember me(segment);
  me.Join();
  CHECK_EQ(Put(me.body, "x"), kOk);
  CHECK_EQ(Get(me.body), kOk);
  CHECK_EQ(Get(me.body), kAgain);
}

TEST(after_the_last_sender_what_it_sent_is_received_and_then_the_end) {
  RingSegment segment({});
  RingMember me(segment), first(segment), second(segment);
  for (RingMember* member : {&me, &first, &second}) member->Join();
  me->OpenEnd(Ring::kReceiving);
  first->OpenEnd(Ring::kSending);
  second->OpenEnd(Ring::kSending);
  CHECK_EQ(Get(me.body), kAgain);
  CHECK_EQ(Put(first.body, "one"), kOk);
  first->CloseEnd(Ring::kSending);
  CHECK_EQ(Put(second.body, "two"), kOk);
  CHECK(Got(me.body) == "one");
  CHECK(Got(me.body) == "two");
  CHECK_EQ(Get(me.body), kAgain);
  second.Leave();
  CHECK_EQ(Get(me.body), kShutDown);
  // Somebody was given the end, late.
  first->OpenEnd(Ring::kSending);
  CHECK_EQ(Get(me.body), kAgain);
  CHECK_EQ(Put(first.body, "three"), kOk);
  CHECK(Got(me.body) == "three");
}

TEST(a_record_that_may_come_back_is_not_the_end) {
  RingSegment segment({});
  RingMember me(segment), reader(segment), sender(segment);
  for (RingMember* member : {&me, &reader, &sender}) member->Join();
  me->OpenEnd(Ring::kReceiving);
  reader->OpenEnd(Ring::kReceiving);
  sender->OpenEnd(Ring::kSending);
  CHECK_EQ(Put(sender.body, "x"), kOk);
  Claim claim;
  CHECK_EQ(reader->TryClaim(UINT64_MAX, &claim), kOk);
  sender->CloseEnd(Ring::kSending);
  CHECK_EQ(Get(me.body), kAgain);
  CHECK_EQ(reader->Requeue(claim.position), kOk);
  CHECK(Got(me.body) == "x");
  CHECK_EQ(Get(me.body), kShutDown);
}

TEST(without_receivers_nothing_is_put) {
  RingSegment segment({});
  RingMember me(segment), receiver(segment);
  me.Join();
  receiver.Join();
  me->OpenEnd(Ring::kSending);
  receiver->OpenEnd(Ring::kReceiving);
  CHECK_EQ(Put(me.body, "x"), kOk);
  receiver->CloseEnd(Ring::kReceiving);
  CHECK_EQ(Put(me.body, "y"), kShutDown);
  CHECK_EQ(me->Size(), 1);
  CHECK(me->Busy().empty());
  receiver->OpenEnd(Ring::kReceiving);
  FillWithLines(me.body);
  CHECK_EQ(Put(me.body, "y"), kAgain);
  receiver->CloseEnd(Ring::kReceiving);
  CHECK_EQ(Put(me.body, "y"), kShutDown);
}

TEST(who_waits_is_told_when_the_last_sender_closes_or_dies) {
  for (const bool dies : {false, true}) {
    RingSegment segment({});
    RingMember me(segment);
    me.Join();
    me->OpenEnd(Ring::kReceiving);
    Gate opened;
    Child sender([&] {
      RingMember member(segment);
      member.Join();
      member->OpenEnd(Ring::kSending);
      CHECK_EQ(Put(member.body, "x"), kOk);
      opened.Open();
      while (member->Waiters(Ring::kData).Count() == 0 || member->Size() > 0) sched_yield();
      if (dies) raise(SIGKILL);
      member->CloseEnd(Ring::kSending);
    });
    opened.Pass();
    CHECK_EQ(BlockedGet(me), kOk);
    CHECK_EQ(BlockedGet(me), kShutDown);
    CHECK_EQ(sender.Wait(), dies ? -SIGKILL : 0);
  }
}

TEST(who_waits_for_room_is_told_when_the_last_receiver_dies) {
  RingSegment segment({});
  RingMember me(segment);
  me.Join();
  me->OpenEnd(Ring::kSending);
  Gate opened;
  Child receiver([&] {
    RingMember member(segment);
    member.Join();
    member->OpenEnd(Ring::kReceiving);
    opened.Open();
    while (member->Waiters(Ring::kSpace).Count() == 0) sched_yield();
    raise(SIGKILL);
  });
  opened.Pass();
  FillWithLines(me.body);
  SpinBudget spin(false);
  Claim claim;
  Status status;
  do {
    status = me->Block(Ring::kSpace, spin, kLong, [&] { return me->TryReserve(8, &claim); });
    if (status == kAgain) me.ReapAll();
  } while (status == kAgain);
  CHECK_EQ(status, kShutDown);
  CHECK_EQ(receiver.Wait(), -SIGKILL);
}

TEST(a_user_killed_at_any_write_leaves_no_end_behind) {
  uint64_t points = 0;
  for (uint64_t k = 1;; k++) {
    RingSegment segment({});
    RingMember me(segment);
    me.Join();
    me->OpenEnd(Ring::kReceiving);
    const int end = Child([&] {
                      RingMember member(segment);
                      member.Join();
                      fault::Arm(k, false);
                      member->OpenEnd(Ring::kSending);
                      member->OpenEnd(Ring::kReceiving);
                      Put(member.body, "x");
                      member->CloseEnd(Ring::kSending);
                      member->CloseEnd(Ring::kReceiving);
                      fault::Arm(0, false);
                    }).Wait();
    me.ReapAll();
    CHECK(!me->HasUsers(Ring::kSending));
    CHECK(me->HasUsers(Ring::kReceiving));
    Status status = Get(me.body);
    if (status == kOk) status = Get(me.body);
    CHECK_EQ(status, kShutDown);
    me->OpenEnd(Ring::kSending);
    CHECK_EQ(Put(me.body, "x"), kOk);
    if (end == 0) break;
    CHECK_EQ(end, -SIGKILL);
    points++;
  }
  printf("killed at %llu writes\n", static_cast<unsigned long long>(points));
  CHECK(points > 10);
}

}  // namespace
}  // namespace multiproc
