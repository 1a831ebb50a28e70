// Barrier: rounds, breaking, resetting, and that who waits learns what became of its round.

#include "core/barrier.h"

#include <atomic>
#include <thread>

#include "core/blocking.h"
#include "two_users.h"

namespace multiproc {
namespace {

using Arrival = Barrier::Arrival;

struct Parties : TwoUsers {
  explicit Parties(double parties) : TwoUsers(Of(ObjectKind::kBarrier, parties)), barrier(mine), same(theirs) {}
  Arrival Arrive() { return barrier.Arrive(&index, &round); }

  Barrier barrier, same;
  uint32_t index = 0;
  BarrierRound round{};
};

TEST(the_last_of_n_completes_the_round) {
  for (uint32_t n = 1; n <= 5; n++) {
    Parties p(n);
    for (int rounds = 0; rounds < 100; rounds++) {
      BarrierRound first{};
      for (uint32_t i = 0; i < n; i++) {
        CHECK_EQ(p.barrier.Waiting(), i);
        CHECK(p.Arrive() == (i + 1 == n ? Arrival::kLast : Arrival::kWait));
        CHECK_EQ(p.index, i);
        if (i == 0) first = p.round;
        CHECK_EQ(p.barrier.Test(first), kAgain);
      }
      CHECK_EQ(p.barrier.Finish(p.round), kOk);
      CHECK_EQ(p.barrier.Test(first), kOk);
    }
  }
}

TEST(nobody_joins_a_round_whose_action_runs) {
  Parties p(1);
  CHECK(p.Arrive() == Arrival::kLast);
  uint32_t index;
  BarrierRound round;
  CHECK(p.same.Arrive(&index, &round) == Arrival::kBusy);
  CHECK_EQ(p.barrier.Finish(p.round), kOk);
  CHECK(p.same.Arrive(&index, &round) == Arrival::kLast);
}

TEST(a_timeout_breaks_the_round_for_all) {
  Parties p(3);
  CHECK(p.Arrive() == Arrival::kWait);
  const BarrierRound first = p.round;
  CHECK(p.Arrive() == Arrival::kWait);
  CHECK_EQ(p.barrier.Break(p.round), kBroken);
  CHECK_EQ(p.barrier.Test(first), kBroken);
  CHECK(p.barrier.broken());
  CHECK(p.Arrive() == Arrival::kBroken);
  p.barrier.Reset();
  CHECK(!p.barrier.broken());
  CHECK_EQ(p.barrier.Test(first), kBroken);
  CHECK(p.Arrive() == Arrival::kWait);
  CHECK_EQ(p.index, 0);
}

TEST(a_timeout_that_comes_too_late_breaks_nothing) {
  Parties p(1);
  CHECK(p.Arrive() == Arrival::kLast);
  const BarrierRound first = p.round;
  CHECK_EQ(p.barrier.Finish(first), kOk);
  CHECK_EQ(p.barrier.Break(first), kOk);
  CHECK(!p.barrier.broken());
}

TEST(abort_breaks_and_stays) {
  Parties p(2);
  p.same.Abort();
  CHECK(p.Arrive() == Arrival::kBroken);
  CHECK_EQ(p.barrier.Waiting(), 0);
}

TEST(a_break_during_the_action_wins_over_its_finish) {
  Parties p(1);
  CHECK(p.Arrive() == Arrival::kLast);
  p.same.Abort();
  CHECK_EQ(p.barrier.Finish(p.round), kBroken);
}

TEST(a_reset_breaks_those_that_wait) {
  Parties p(2);
  CHECK(p.Arrive() == Arrival::kWait);
  const BarrierRound first = p.round;
  p.same.Reset();
  CHECK_EQ(p.barrier.Test(first), kBroken);
  CHECK(p.Arrive() == Arrival::kWait);
  CHECK_EQ(p.barrier.Test(p.round), kAgain);
}

TEST(a_released_round_stays_released_whatever_comes_after) {
  Parties p(2);
  CHECK(p.Arrive() == Arrival::kWait);
  const BarrierRound first = p.round;
  CHECK(p.Arrive() == Arrival::kLast);
  CHECK_EQ(p.barrier.Finish(p.round), kOk);
  p.barrier.Reset();
  CHECK_EQ(p.barrier.Test(first), kOk);
  p.barrier.Abort();
  CHECK_EQ(p.barrier.Test(first), kOk);
  p.barrier.Reset();
  CHECK_EQ(p.barrier.Test(first), kOk);
}

TEST(a_reset_round_stays_broken_whatever_comes_after) {
  Parties p(2);
  CHECK(p.Arrive() == Arrival::kWait);
  const BarrierRound first = p.round;
  p.barrier.Reset();
  for (int i = 0; i < 5; i++) {
    CHECK(p.Arrive() == Arrival::kWait);
    CHECK(p.Arrive() == Arrival::kLast);
    CHECK_EQ(p.barrier.Finish(p.round), kOk);
    CHECK_EQ(p.barrier.Test(first), kBroken);
  }
}

TEST(an_arrived_party_that_leaves_breaks_the_round_and_no_other) {
  Parties p(2);
  uint32_t index;
  BarrierRound round;
  CHECK(p.same.Arrive(&index, &round) == Arrival::kWait);
  CHECK(p.Arrive() == Arrival::kLast);
  CHECK_EQ(p.barrier.Finish(p.round), kOk);
  p.other.Leave();  // its round was released: nothing to break
  CHECK(!p.barrier.broken());
  p.other.Join();
  CHECK(p.other->Attach(p.mine.offset(), p.mine.generation(), &p.theirs));
  CHECK(p.same.Arrive(&index, &round) == Arrival::kWait);
  p.other.Leave();
  CHECK(p.barrier.broken());
  CHECK_EQ(p.barrier.Test(round), kBroken);
}

TEST(threads_pass_together) {
  constexpr uint32_t kParties = 4, kRounds = 500;
  ArenaSegment segment;
  ArenaMember creator(segment);
  creator.Join();
  creator->BecomeCreator();
  const Block block = creator->Allocate(Of(ObjectKind::kBarrier, kParties));
  std::atomic<uint32_t> arrived{0};
  uint32_t written[kParties] = {};  // plain: the barrier orders who writes and who reads
  std::vector<std::thread> threads;
  for (uint32_t me = 0; me < kParties; me++) {
    threads.emplace_back([&, me] {
      ArenaMember member(segment);
      member.Join();
      Block mine;
      CHECK(member->Attach(block.offset(), block.generation(), &mine));
      Barrier barrier(mine);
      SpinBudget spin(false);
      for (uint32_t n = 1; n <= 2 * kRounds; n++) {
        if (n % 2 == 1)
          written[me] = n;
        else
          for (const uint32_t value : written) CHECK_EQ(value, n - 1);
        arrived++;
        uint32_t index;
        BarrierRound round;
        Arrival arrival;
        Status status;
        do {
          status = BlockUntil(member.registry, mine.waiters(), spin, 60'000'000'000, [&] {
            arrival = barrier.Arrive(&index, &round);
            return arrival == Arrival::kBusy ? kAgain : kOk;
          });
        } while (status == kAgain);
        if (arrival == Arrival::kLast) {
          CHECK_EQ(arrived.load(), n * kParties);
          CHECK_EQ(barrier.Finish(round), kOk);
          continue;
        }
        CHECK(arrival == Arrival::kWait);
        do
          status =
              BlockUntil(member.registry, mine.waiters(), spin, 60'000'000'000, [&] { return barrier.Test(round); });
        while (status == kAgain);
        CHECK_EQ(status, kOk);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace multiproc
