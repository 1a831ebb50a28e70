// Wait queues and the blocking wait: nobody is forgotten, nobody is rung for another's sake only, sleepers are woken.

#include "core/wait_queue.h"

#include <thread>

#include "child.h"
#include "core/blocking.h"
#include "two_users.h"

namespace multiproc {
namespace {

constexpr uint32_t kMany = 1000;

struct Queue {
  Queue() : segment(kMany), me(segment), waiters(&summary, bits, (kMany + 63) / 64) { me.Join(); }
  uint32_t Rung(uint32_t i) { return segment.slots()[i].doorbell.Load(std::memory_order_relaxed); }

  ArenaSegment segment;
  ArenaMember me;
  Shared<uint32_t> summary{};
  Shared<uint64_t> bits[16]{};
  WaitQueue waiters;
};

TEST(armed_and_disarmed) {
  Queue q;
  for (uint32_t i = 0; i < kMany; i++) {
    CHECK(!q.waiters.Disarm(i));
    q.waiters.Arm(i);
    CHECK(q.waiters.MayHaveWaiters());
    CHECK_EQ(q.waiters.Count(), 1);
    CHECK(q.waiters.Disarm(i));
    CHECK_EQ(q.waiters.Count(), 0);
  }
}

TEST(others_are_those_that_are_armed_now) {
  Queue q;
  for (const uint32_t me : {0u, 63u, 64u, kMany - 1}) {
    const uint32_t other = me ^ 1;
    q.waiters.Arm(me);
    CHECK(!q.waiters.HasOthers(me));
    for (const uint32_t somebody : {other, (me + 64) % kMany}) {
      q.waiters.Arm(somebody);
      CHECK(q.waiters.HasOthers(me));
      CHECK(q.waiters.HasOthers(somebody));
      CHECK(q.waiters.Disarm(somebody));
      CHECK(!q.waiters.HasOthers(me));
    }
    CHECK(q.waiters.Disarm(me));
    CHECK(q.waiters.MayHaveWaiters());  // the summary says yes until a waker has looked
    CHECK(!q.waiters.HasOthers(me));
    CHECK(!q.waiters.HasOthers(other));
    q.waiters.Arm(other);
    q.waiters.RingOne(q.me.registry);
    CHECK(!q.waiters.HasOthers(me));
  }
}

TEST(everybody_armed_is_rung_once) {
  Queue q;
  for (uint32_t i = 0; i < kMany; i += 3) q.waiters.Arm(i);
  std::vector<uint32_t> before;
  for (uint32_t i = 0; i < kMany; i++) before.push_back(q.Rung(i));
  q.waiters.RingAll(q.me.registry);
  for (uint32_t i = 0; i < kMany; i++) CHECK_EQ(q.Rung(i), before[i] + (i % 3 == 0 ? 1 : 0));
  CHECK_EQ(q.waiters.Count(), 0);
}

TEST(ringing_one_passes_over_those_that_do_not_sleep) {
  Queue q;
  for (uint32_t i = 0; i < kMany; i += 7) q.waiters.Arm(i);
  CHECK(!q.waiters.RingOne(q.me.registry));
  CHECK_EQ(q.waiters.Count(), 0);
  CHECK(!q.waiters.MayHaveWaiters() || !q.waiters.RingOne(q.me.registry));
}

TEST(a_sleeper_is_woken_and_sees_what_was_written) {
  constexpr int kRounds = 3000;
  TwoUsers t(ObjectKind::kEvent);
  Shared<uint32_t>& ping = t.mine.sync().word;
  Shared<uint32_t>& pong = t.mine.sync().extra;
  int plain = 0;
  const auto wait_for = [](ArenaMember& member, const Block& block, Shared<uint32_t>& word, uint32_t value) {
    SpinBudget spin(false);
    const auto attempt = [&] { return word.Load(std::memory_order_seq_cst) == value ? kOk : kAgain; };
    while (BlockUntil(member.registry, block.waiters(), spin, 60'000'000'000, attempt) == kAgain) {
    }
  };
  std::thread peer([&] {
    for (int i = 1; i <= kRounds; i++) {
      wait_for(t.other, t.theirs, ping, static_cast<uint32_t>(i));
      CHECK_EQ(plain, 2 * i - 1);
      plain++;
      pong.Exchange(static_cast<uint32_t>(i));
      t.theirs.waiters().RingAll(t.other.registry);
    }
  });
  for (int i = 1; i <= kRounds; i++) {
    plain++;
    ping.Exchange(static_cast<uint32_t>(i));
    t.mine.waiters().RingAll(t.me.registry);
    wait_for(t.me, t.mine, pong, static_cast<uint32_t>(i));
    CHECK_EQ(plain, 2 * i);
  }
  peer.join();
  CHECK_EQ(t.mine.waiters().Count(), 0);
}

TEST(a_wait_ends_at_its_time) {
  TwoUsers t(ObjectKind::kEvent);
  SpinBudget spin(true);
  for (const int64_t nanos : {int64_t{-1}, int64_t{0}, int64_t{1}, int64_t{1'000'000}, int64_t{20'000'000}}) {
    const int64_t begun = MonotonicNanos();
    CHECK_EQ(BlockUntil(t.me.registry, t.mine.waiters(), spin, nanos, [] { return kAgain; }), kAgain);
    CHECK(MonotonicNanos() - begun >= nanos);
    CHECK_EQ(t.mine.waiters().Count(), 0);
  }
}

TEST(what_is_true_needs_no_wait) {
  TwoUsers t(ObjectKind::kEvent);
  SpinBudget spin(true);
  int attempts = 0;
  CHECK_EQ(BlockUntil(t.me.registry, t.mine.waiters(), spin, INT64_MAX, [&] { return ++attempts, kShutDown; }),
           kShutDown);
  CHECK_EQ(attempts, 1);
}

TEST(a_waker_killed_at_every_write_delays_and_hangs_nothing) {
  for (uint64_t k = 1;; k++) {
    TwoUsers t(ObjectKind::kEvent);
    Shared<uint32_t>& word = t.mine.sync().word;
    const int end = Child([&] {
                      t.mine.waiters().Arm(t.other.self());
                      fault::Arm(k, false);
                      word.Exchange(1);
                      t.mine.waiters().RingAll(t.other.registry);
                      fault::Arm(0, false);
                    }).Wait();
    SpinBudget spin(false);
    const Status status = BlockUntil(t.me.registry, t.mine.waiters(), spin, 1'000'000,
                                     [&] { return word.Load(std::memory_order_seq_cst) == 1 ? kOk : kAgain; });
    if (k > 1) CHECK_EQ(status, kOk);  // the first point lies before the write
    if (end == 0) break;
    CHECK_EQ(end, -SIGKILL);
    // Somebody else can still be rung through the same queue.
    t.mine.waiters().Arm(t.me.self());
    t.mine.waiters().RingAll(t.me.registry);
    CHECK_EQ(t.mine.waiters().Count(), 0);
  }
}

}  // namespace
}  // namespace multiproc
