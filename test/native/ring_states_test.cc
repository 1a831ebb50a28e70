// What a ring counts and what ends it: attempts, unfinished tasks, leaving, shutdown.

#include <functional>
#include <string>

#include "ring_messages.h"

namespace multiproc {
namespace {

TEST(a_requeued_message_comes_again_first_with_its_attempts) {
  RingSegment segment({.counted = true});
  RingMember me(segment);
  me.Join();
  CHECK_EQ(Put(me.body, "first"), kOk);
  CHECK_EQ(Put(me.body, "second"), kOk);
  Claim claim;
  for (uint32_t attempt = 1; attempt <= 300; attempt++) {
    CHECK_EQ(me->TryClaim(100, &claim), kOk);
    CHECK(std::string(claim.bytes, claim.length) == "first");
    CHECK_EQ(me->CountAttempt(claim.position), std::min(attempt, 255u));
    CHECK(!me->Consumed(claim.position));
    CHECK_EQ(me->Requeue(claim.position), kOk);
    CHECK_EQ(me->Size(), 2);
  }
  CHECK(Got(me.body) == "first");
  CHECK(me->Consumed(claim.position));
  CHECK_EQ(me->TryClaim(100, &claim), kOk);
  CHECK_EQ(me->CountAttempt(claim.position), 1);
  CHECK_EQ(me->Release(claim.position), kOk);
}

TEST(unfinished_counts_puts_minus_tasks_done) {
  RingSegment segment({.counted = true});
  RingMember me(segment), other(segment);
  me.Join();
  other.Join();
  CHECK_EQ(me->TaskDone(), kOverRelease);
  for (int i = 0; i < 5; i++) CHECK_EQ(Put(i % 2 == 0 ? me.body : other.body, "x"), kOk);
  CHECK_EQ(me->Unfinished(), 5);
  CHECK_EQ(DrainAll(other.body), 5);
  CHECK_EQ(me->Unfinished(), 5);
  other.Leave();  // what it has put still counts
  for (int i = 5; i > 0; i--) {
    CHECK_EQ(me->Unfinished(), i);
    CHECK_EQ(me->TaskDone(), kOk);
  }
  CHECK_EQ(me->TaskDone(), kOverRelease);
  other.Join();
  CHECK_EQ(Put(other.body, "x"), kOk);
  CHECK_EQ(me->Unfinished(), 1);
}

TEST(leaving_gives_back_what_was_unfinished) {
  // At position 0, whose number a fresh slot's bookkeeping happens to hold too.
  for (const uint64_t start : {0, 17}) {
    RingSegment segment({.counted = true, .start = start});
    RingMember me(segment), other(segment);
    me.Join();
    other.Join();
    Claim claim;
    CHECK_EQ(other->TryReserve(10, &claim), kOk);
    other.Leave();
    CHECK_EQ(me->Unfinished(), 0);
    CHECK_EQ(me->UsedLines(), 0);
    CHECK_EQ(Put(me.body, "kept"), kOk);
    other.Join();
    CHECK_EQ(other->TryClaim(100, &claim), kOk);
    CHECK_EQ(Get(me.body), kAgain);
    other.Leave();
    CHECK_EQ(me->Unfinished(), 1);
    CHECK(Got(me.body) == "kept");
  }
}

TEST(what_comes_back_after_a_death_is_first_of_what_is_still_there) {
  RingSegment segment({});
  RingMember me(segment), other(segment);
  me.Join();
  other.Join();
  for (const char* message : {"1", "2", "3", "4", "5"}) CHECK_EQ(Put(me.body, message), kOk);
  Claim claim;
  CHECK(Got(other.body) == "1");  // as in a batch: what was got is gone, the next is in hand
  CHECK_EQ(other->TryClaim(100, &claim), kOk);
  const uint32_t dead = other.self();
  other.fd.Reset();
  other.registry = Registry();
  CHECK(Got(me.body) == "3");
  CHECK_EQ(Put(me.body, "6"), kOk);
  CHECK(me.registry.Reap(dead, me.body));
  for (const char* message : {"2", "4", "5", "6"}) CHECK(Got(me.body) == message);
  CHECK_EQ(Get(me.body), kAgain);
}

// Does `act` change the doorbell of a participant that is armed in that wait queue?
bool Rings(RingSegment& segment, RingMember& waiter, int queue, const std::function<void()>& act) {
  waiter->Waiters(queue).Arm(waiter.self());
  Shared<uint32_t>& bell = segment.slots()[waiter.self()].doorbell;
  const uint32_t before = bell.Load(std::memory_order_relaxed);
  act();
  waiter->Waiters(queue).Disarm(waiter.self());
  return bell.Load(std::memory_order_relaxed) != before;
}

TEST(whatever_may_end_a_wait_rings) {
  RingSegment segment({.maxsize = 2, .counted = true});
  RingMember me(segment), waiter(segment), third(segment);
  me.Join();
  waiter.Join();
  third.Join();
  Claim claim;
  CHECK(Rings(segment, waiter, Ring::kData, [&] { CHECK_EQ(Put(me.body, "x"), kOk); }));
  CHECK_EQ(me->TryClaim(100, &claim), kOk);
  CHECK(Rings(segment, waiter, Ring::kData, [&] { CHECK_EQ(me->Requeue(claim.position), kOk); }));
  CHECK(Rings(segment, waiter, Ring::kSpace, [&] { CHECK_EQ(Get(me.body), kOk); }));
  CHECK_EQ(me->TryReserve(10, &claim), kOk);
  CHECK(Rings(segment, waiter, Ring::kSpace, [&] { CHECK_EQ(me->Abort(claim.position), kOk); }));
  CHECK(Rings(segment, waiter, Ring::kJoin, [&] { CHECK_EQ(me->TaskDone(), kOk); }));
  CHECK_EQ(third->TryReserve(10, &claim), kOk);
  CHECK(Rings(segment, waiter, Ring::kSpace, [&] { third.Leave(); }));
  third.Join();
  CHECK_EQ(Put(me.body, "x"), kOk);
  CHECK_EQ(third->TryClaim(10, &claim), kOk);
  CHECK(Rings(segment, waiter, Ring::kData, [&] { third.Leave(); }));
  CHECK(Rings(segment, waiter, Ring::kData, [&] { me->ShutDown(false); }));
  // The last message of a queue that was shut down: who waits for more learns that there is none.
  CHECK(Rings(segment, waiter, Ring::kData, [&] { CHECK_EQ(Get(me.body), kOk); }));
}

TEST(a_task_is_released_and_done_in_one) {
  RingSegment segment({.counted = true});
  RingMember me(segment), other(segment);
  me.Join();
  other.Join();
  Claim claim;
  for (int i = 0; i < 2; i++) CHECK_EQ(Put(me.body, "task"), kOk);
  CHECK_EQ(me->TryClaim(100, &claim), kOk);
  CHECK_EQ(other->ReleaseDone(claim.position), kNotOwner);
  CHECK_EQ(me->ReleaseDone(claim.position), kOk);
  CHECK_EQ(me->ReleaseDone(claim.position), kNotOwner);
  CHECK_EQ(me->Unfinished(), 1);
  CHECK_EQ(me->Size(), 1);
  CHECK_EQ(me->TaskDone(), kOk);
  CHECK_EQ(me->TryClaim(100, &claim), kOk);
  CHECK_EQ(me->ReleaseDone(claim.position), kOverRelease);
}

TEST(shutdown_lets_getters_drain) {
  RingSegment segment({});
  RingMember me(segment);
  me.Join();
  Claim late;
  CHECK_EQ(me->TryReserve(4, &late), kOk);
  CHECK_EQ(Put(me.body, "one"), kOk);
  me->ShutDown(false);
  CHECK_EQ(Put(me.body, "two"), kShutDown);
  CHECK(Got(me.body) == "one");
  CHECK_EQ(Get(me.body), kAgain);  // a reservation made before is still to come
  memcpy(late.bytes, "late", 4);
  CHECK_EQ(me->Commit(late.position, 4, 0), kOk);
  CHECK(Got(me.body) == "late");
  CHECK_EQ(Get(me.body), kShutDown);
  CHECK_EQ(me->UsedLines(), 0);
}

TEST(a_claimed_message_keeps_a_shut_down_queue_from_being_drained) {
  RingSegment segment({});
  RingMember me(segment), other(segment);
  me.Join();
  other.Join();
  CHECK_EQ(Put(me.body, "one"), kOk);
  Claim claim;
  CHECK_EQ(other->TryClaim(100, &claim), kOk);
  me->ShutDown(false);
  CHECK_EQ(Get(me.body), kAgain);
  CHECK_EQ(other->Requeue(claim.position), kOk);
  CHECK(Got(me.body) == "one");
  CHECK_EQ(Get(me.body), kShutDown);
}

TEST(immediate_shutdown_drops_everything) {
  RingSegment segment({.counted = true});
  RingMember me(segment);
  me.Join();
  CHECK_EQ(Put(me.body, "taken"), kOk);
  CHECK(Got(me.body) == "taken");
  CHECK_EQ(Put(me.body, Pattern(1, 300)), kOk);
  uint64_t id[2] = {0x1234, 1};
  CHECK_EQ(Put(me.body, std::string(reinterpret_cast<char*>(id), sizeof id), kSpilledFlag), kOk);
  me->ShutDown(true);
  CHECK_EQ(Get(me.body), kShutDown);
  std::vector<uint64_t> spilled;
  me->Drain(&spilled);
  CHECK_EQ(spilled.size(), 1);
  CHECK_EQ(spilled[0], 0x1234);
  CHECK_EQ(me->Unfinished(), 1);
  CHECK_EQ(me->UsedLines(), 0);
  CHECK_EQ(Put(me.body, "x"), kShutDown);
}

}  // namespace
}  // namespace multiproc
