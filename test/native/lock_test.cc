// Lock and RLock: who may acquire and release, what the next owner is told, who is woken.

#include "core/lock.h"

#include <thread>

#include "two_users.h"

namespace multiproc {
namespace {

TEST(a_lock_is_acquired_once) {
  TwoUsers t;
  Lock lock(t.mine), same(t.theirs);
  CHECK_EQ(lock.Owner(), 0);
  CHECK_EQ(lock.TryAcquire(false), kOk);
  CHECK(lock.Mine());
  CHECK(!same.Mine());
  CHECK_EQ(same.Owner(), t.me.self() + 1);
  CHECK_EQ(lock.TryAcquire(false), kAgain);
  CHECK_EQ(same.TryAcquire(false), kAgain);
  CHECK_EQ(lock.Release(false), kOk);
  CHECK_EQ(lock.Release(false), kOverRelease);
  CHECK_EQ(same.TryAcquire(false), kOk);
}

TEST(anybody_releases_what_acquire_took) {
  TwoUsers t;
  CHECK_EQ(Lock(t.mine).TryAcquire(false), kOk);
  CHECK_EQ(Lock(t.theirs).Release(false), kOk);
  CHECK_EQ(Lock(t.mine).Release(false), kOverRelease);
}

TEST(only_its_hold_releases_a_held_lock) {
  TwoUsers t;
  Lock lock(t.mine), same(t.theirs);
  CHECK_EQ(lock.TryAcquire(true), kOk);
  CHECK(same.Held());
  CHECK_EQ(lock.Release(false), kNotOwner);
  CHECK_EQ(same.Release(false), kNotOwner);
  CHECK_EQ(same.Release(true), kNotOwner);
  CHECK_EQ(lock.Release(true), kOk);
  CHECK(!same.Held());
  CHECK_EQ(lock.Release(true), kNotOwner);
  CHECK_EQ(lock.TryAcquire(false), kOk);
  CHECK_EQ(lock.Release(true), kNotOwner);
}

TEST(an_rlock_counts_its_depth) {
  TwoUsers t(ObjectKind::kRLock);
  Lock lock(t.mine), same(t.theirs);
  CHECK_EQ(lock.Exit(), kNotOwner);
  for (uint32_t depth = 1; depth <= 5; depth++) {
    CHECK_EQ(lock.TryEnter(), kOk);
    CHECK_EQ(lock.depth(), depth);
    CHECK_EQ(same.TryEnter(), kAgain);
    CHECK_EQ(same.Exit(), kNotOwner);
  }
  for (uint32_t depth = 5; depth > 0; depth--) {
    CHECK(lock.Mine());
    CHECK_EQ(lock.Exit(), kOk);
  }
  CHECK_EQ(lock.Exit(), kNotOwner);
  CHECK_EQ(same.TryEnter(), kOk);
  CHECK_EQ(same.depth(), 1);
}

TEST(a_condition_wait_restores_the_depth) {
  TwoUsers t(ObjectKind::kRLock);
  Lock lock(t.mine), same(t.theirs);
  for (int i = 0; i < 3; i++) CHECK_EQ(lock.TryEnter(), kOk);
  uint32_t depth = 0;
  CHECK_EQ(same.ExitFully(&depth), kNotOwner);
  CHECK_EQ(lock.ExitFully(&depth), kOk);
  CHECK_EQ(depth, 3);
  CHECK_EQ(lock.SetDepth(3), kNotOwner);
  CHECK_EQ(same.TryEnter(), kOk);
  CHECK_EQ(same.Exit(), kOk);
  CHECK_EQ(lock.TryEnter(), kOk);
  CHECK_EQ(lock.SetDepth(depth), kOk);
  for (int i = 0; i < 3; i++) CHECK_EQ(lock.Exit(), kOk);
  CHECK_EQ(lock.Owner(), 0);
}

TEST(the_next_owner_is_told_once_that_the_owner_left_without_release) {
  for (const bool hold : {false, true}) {
    TwoUsers t;
    Lock lock(t.mine);
    CHECK_EQ(Lock(t.theirs).TryAcquire(hold), kOk);
    t.other.Leave();
    CHECK_EQ(lock.TryAcquire(hold), kOkOwnerDied);
    CHECK_EQ(lock.Release(hold), kOk);
    CHECK_EQ(lock.TryAcquire(hold), kOk);
    CHECK_EQ(t.mine.sync().owner_deaths.Load(std::memory_order_relaxed), 1);
  }
}

TEST(an_rlock_of_a_leaver_starts_at_depth_one) {
  TwoUsers t(ObjectKind::kRLock);
  for (int i = 0; i < 7; i++) CHECK_EQ(Lock(t.theirs).TryEnter(), kOk);
  t.other.Leave();
  CHECK_EQ(Lock(t.mine).TryEnter(), kOkOwnerDied);
  CHECK_EQ(Lock(t.mine).depth(), 1);
  CHECK_EQ(Lock(t.mine).Exit(), kOk);
  CHECK_EQ(Lock(t.mine).Owner(), 0);
}

TEST(detaching_from_a_held_lock_hands_it_on_at_the_latest_when_leaving) {
  TwoUsers t;
  CHECK_EQ(Lock(t.theirs).TryAcquire(false), kOk);
  t.other->Detach(t.theirs);
  t.other.Leave();
  CHECK_EQ(Lock(t.mine).TryAcquire(false), kOkOwnerDied);
}

TEST(a_lock_excludes_threads_that_block_on_it) {
  constexpr int kThreads = 4, kRounds = 3000;
  ArenaSegment segment;
  ArenaMember creator(segment);
  creator.Join();
  creator->BecomeCreator();
  const Block block = creator->Allocate(Of(ObjectKind::kLock));
  uint64_t guarded = 0;  // plain: ThreadSanitizer sees whether the lock orders the accesses
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; i++) {
    threads.emplace_back([&] {
      ArenaMember member(segment);
      member.Join();
      Block mine;
      CHECK(member->Attach(block.offset(), block.generation(), &mine));
      Lock lock(mine);
      SpinBudget spin(false);
      for (int round = 0; round < kRounds; round++) {
        Status status;
        do
          status =
              BlockUntil(member.registry, mine.waiters(), spin, 10'000'000'000, [&] { return lock.TryAcquire(false); });
        while (status == kAgain);
        CHECK_EQ(status, kOk);
        guarded++;
        CHECK_EQ(lock.Release(false), kOk);
      }
      member->Detach(mine);
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK_EQ(guarded, uint64_t{kThreads} * kRounds);
  CHECK_EQ(block.sync().acquired.Load(std::memory_order_relaxed), uint64_t{kThreads} * kRounds);
}

}  // namespace
}  // namespace multiproc
