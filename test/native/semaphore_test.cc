// Semaphore: permits are neither invented nor lost, and the bound holds.

#include "core/semaphore.h"

#include <atomic>
#include <thread>

#include "core/blocking.h"
#include "two_users.h"

namespace multiproc {
namespace {

TEST(permits_are_counted) {
  for (uint32_t initial = 0; initial <= 3; initial++) {
    TwoUsers t(ObjectKind::kSemaphore);
    Semaphore mine(t.mine), theirs(t.theirs);
    mine.Format(initial);
    for (uint32_t i = initial; i > 0; i--) {
      CHECK_EQ(theirs.Value(), i);
      CHECK_EQ((i % 2 == 0 ? mine : theirs).TryAcquire(), kOk);
    }
    CHECK_EQ(mine.TryAcquire(), kAgain);
    CHECK_EQ(theirs.Release(2, UINT32_MAX), kOk);
    CHECK_EQ(mine.TryAcquire(), kOk);
    CHECK_EQ(mine.TryAcquire(), kOk);
    CHECK_EQ(mine.TryAcquire(), kAgain);
  }
}

TEST(a_bound_is_never_passed) {
  TwoUsers t(ObjectKind::kBoundedSemaphore);
  Semaphore semaphore(t.mine);
  semaphore.Format(3);
  CHECK_EQ(semaphore.Release(1, 3), kOverRelease);
  CHECK_EQ(semaphore.TryAcquire(), kOk);
  CHECK_EQ(semaphore.Release(2, 3), kOverRelease);
  CHECK_EQ(semaphore.Release(UINT32_MAX, 3), kOverRelease);
  CHECK_EQ(semaphore.Value(), 2);
  CHECK_EQ(semaphore.Release(1, 3), kOk);
  CHECK_EQ(semaphore.Value(), 3);
}

TEST(threads_take_turns_and_no_permit_is_lost) {
  constexpr int kThreads = 4, kRounds = 2000, kPermits = 2;
  ArenaSegment segment;
  ArenaMember creator(segment);
  creator.Join();
  creator->BecomeCreator();
  const Block block = creator->Allocate(Of(ObjectKind::kSemaphore));
  Semaphore(block).Format(kPermits);
  std::atomic<int> inside{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; i++) {
    threads.emplace_back([&] {
      ArenaMember member(segment);
      member.Join();
      Block mine;
      CHECK(member->Attach(block.offset(), block.generation(), &mine));
      Semaphore semaphore(mine);
      SpinBudget spin(false);
      for (int round = 0; round < kRounds; round++) {
        Status status;
        do
          status =
              BlockUntil(member.registry, mine.waiters(), spin, 60'000'000'000, [&] { return semaphore.TryAcquire(); });
        while (status == kAgain);
        CHECK(++inside <= kPermits);
        inside--;
        CHECK_EQ(semaphore.Release(1, kPermits), kOk);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK_EQ(Semaphore(block).Value(), kPermits);
}

}  // namespace
}  // namespace multiproc
