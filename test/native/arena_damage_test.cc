// An arena whose headers and objects were overwritten: what is impossible is refused, what was attached stays as it
// was, and the creator trusts nothing but its own memory.

#include <cmath>

#include "arena_creator.h"
#include "core/barrier.h"
#include "core/condition.h"
#include "core/lock.h"
#include "core/semaphore.h"
#include "two_users.h"

namespace multiproc {
namespace {

bool Poisoned(const ArenaSegment& segment) { return segment.poisoned()->Load(std::memory_order_relaxed) != 0; }

// Can an object of this kind still be attached after `lie` about its header?
template <typename Tell>
bool AttachedAfter(const BlockRequest& request, Tell lie) {
  ArenaSegment segment;
  Creator creator(segment);
  ArenaMember other(segment);
  other.Join();
  const Block block = creator->Allocate(request);
  lie(block.header());
  Block out;
  const bool attached = other->Attach(block.offset(), block.generation(), &out);
  CHECK_EQ(Poisoned(segment), !attached);
  CHECK_EQ(block.users(0).Load(std::memory_order_relaxed), attached ? 3 : 1);
  return attached;
}

TEST(a_header_that_is_impossible_is_refused_and_poisons) {
  const BlockRequest value = Bytes(8, "text"), barrier = Of(ObjectKind::kBarrier, 2);
  CHECK(AttachedAfter(value, [](BlockHeader&) {}));
  CHECK(AttachedAfter(barrier, [](BlockHeader&) {}));
  // No kind of object, or one that no arena has.
  for (const uint32_t kind : {0u, 11u, 12u, UINT32_MAX}) {
    CHECK(!AttachedAfter(value, [=](BlockHeader& h) { h.kind = kind; }));
  }
  for (const uint64_t bytes : {uint64_t{1000}, UINT64_MAX, UINT64_MAX - 100}) {
    CHECK(!AttachedAfter(value, [=](BlockHeader& h) { h.data_bytes = bytes; }));
  }
  for (const uint32_t bytes : {100u, kMetaMax + 1, UINT32_MAX}) {
    CHECK(!AttachedAfter(value, [=](BlockHeader& h) { h.meta_bytes = bytes; }));
  }
  for (const double parties : {std::nan(""), -1.0, 1e300}) {
    CHECK(!AttachedAfter(barrier, [=](BlockHeader& h) { h.parameter[0] = parties; }));
    CHECK(!AttachedAfter(Of(ObjectKind::kSemaphore, 1, 1), [=](BlockHeader& h) { h.parameter[1] = parties; }));
  }
}

TEST(a_kind_that_needs_more_than_the_block_is_refused_and_not_repaired) {
  // With so many participants the words of a barrier would reach far behind the block of an event, which is the last.
  ArenaSegment segment(1023, 4096);
  Creator creator(segment);
  const Block block = creator->Allocate(Of(ObjectKind::kEvent));
  block.header().kind = static_cast<uint32_t>(ObjectKind::kBarrier);
  Shared<uint32_t>& behind = Block(segment.body(), block.offset(), &creator.registry, {}).slot(creator.self());
  behind.Store(0x00000001, std::memory_order_relaxed);
  ArenaMember other(segment);
  other.Join();
  other->Repair(creator.self());
  CHECK_EQ(behind.Load(std::memory_order_relaxed), 1);
  CHECK_EQ(block.users(0).Load(std::memory_order_relaxed), 0);
}

TEST(what_was_attached_stays_as_it_was) {
  TwoUsers users(Bytes(8, "text"));
  BlockHeader& header = users.theirs.header();
  header.units = UINT32_MAX;
  header.kind = 11;
  header.data_bytes = UINT64_MAX;
  header.meta_bytes = kMetaMax;
  CHECK(users.theirs.meta() == "text");
  CHECK(users.theirs.kind() == ObjectKind::kValue);
  CHECK_EQ(users.theirs.facts().data_bytes, 8);
}

TEST(the_creator_allocates_by_its_own_memory) {
  for (const uint64_t lie : {uint64_t{0}, uint64_t{64}, uint64_t{100}, UINT64_MAX - 63}) {
    ArenaSegment segment;
    Creator creator(segment);
    const Block first = creator->Allocate(Bytes(8));
    reinterpret_cast<ArenaControl*>(segment.body())->used.Store(lie, std::memory_order_relaxed);
    const Block second = creator->Allocate(Bytes(8));
    CHECK_EQ(second.offset(), first.offset() + first.facts().bytes);
  }
}

TEST(a_block_is_taken_back_with_the_size_it_was_made_with) {
  ArenaSegment segment(8, 4096);
  Creator creator(segment);
  const Block small = creator->Allocate(Bytes(8));
  small.header().units = 32;
  creator->Detach(small);
  const Block large = creator->Allocate(Bytes(32 * kBlockUnit - 128));
  CHECK(large.offset() != small.offset());
}

TEST(who_says_to_be_the_creator_is_not_believed) {
  TwoUsers users(Bytes(8));
  reinterpret_cast<ArenaControl*>(users.segment.body())->creator = users.other.self();
  const uint64_t life = users.mine.header().life.Load(std::memory_order_relaxed);
  users.me->Detach(users.mine);
  users.other->Detach(users.theirs);
  CHECK_EQ(users.mine.header().life.Load(std::memory_order_relaxed), life);
}

TEST(a_lock_owned_by_nobody_that_can_be_is_damaged) {
  TwoUsers users;
  users.mine.sync().word.Store(9, std::memory_order_relaxed);  // of 8 participants
  CHECK_EQ(Lock(users.theirs).TryAcquire(false), kPoisoned);
  users.mine.sync().word.Store(8, std::memory_order_relaxed);
  CHECK_EQ(Lock(users.theirs).TryAcquire(false), kAgain);
}

TEST(many_permits_are_released_at_once_whatever_the_summary_says) {
  TwoUsers users(Of(ObjectKind::kSemaphore, 0, INT32_MAX));
  users.mine.sync().waiter_summary.Store(1u << 20, std::memory_order_relaxed);
  // Looking for a waiter for each of them would last beyond the watchdog.
  CHECK_EQ(Semaphore(users.mine).Release(INT32_MAX, INT32_MAX), kOk);
}

TEST(more_notifications_than_waiters_are_none) {
  TwoUsers users(ObjectKind::kCondition);
  Condition mine(users.mine);
  users.mine.slot(users.me.self()).Store(5 << 16, std::memory_order_relaxed);
  CHECK_EQ(mine.Waiting(), 0);
  CHECK_EQ(mine.TryTake(), kAgain);
  CHECK_EQ(users.mine.slot(users.me.self()).Load(std::memory_order_relaxed), 5 << 16);
}

}  // namespace
}  // namespace multiproc
