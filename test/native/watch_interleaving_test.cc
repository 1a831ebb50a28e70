// A blocking get that keeps the watch, and puts at each of its accesses to shared words: what woke nobody is found.

#include <set>

#include "interleaving.h"

namespace multiproc {
namespace {

// A consumer that waits beside a registered one, which makes it keep the watch.
struct Watched {
  RingSegment segment{{.lines = 128, .start = 100}};
  RingMember producer{segment}, keeper{segment}, sleeper{segment};
  Claim claim;

  Watched() {
    producer.Join();
    keeper.Join();
    sleeper.Join();
    Register();
  }
  void Register() { sleeper->Waiters(Ring::kData).Arm(sleeper.self()); }
  bool IsWatched() {
    const uint64_t end = segment.control().watched_until.Load(std::memory_order_seq_cst);
    return end != 0 && Watch::Counts(end, CoarseMonotonicNanos());
  }
  bool SleeperWasRung() { return sleeper->Waiters(Ring::kData).Count() == 0; }
  Status Wait(int64_t nanos) {
    SpinBudget spin(false);
    return keeper->Block(Ring::kData, spin, nanos, [&] { return keeper->TryClaim(UINT64_MAX, &claim); });
  }
};

TEST(every_message_is_found_or_wakes_a_sleeper) {
  for (const int messages : {1, 2, 3}) {
    uint64_t alone = 0;
    for (uint64_t k = 1;; k++) {
      Watched w;
      Status status = kAgain;
      const bool reached = InterruptedAt(
          k,
          [&] {
            status = w.Wait(1'000'000);
            if (status == kOk) w.keeper->Release(w.claim);
          },
          [&] {
            for (int i = 0; i < messages; i++) CHECK_EQ(Put(w.producer.body, Pattern(1, 10)), kOk);
          });
      if (!reached) break;
      if (status == kOk && messages == 1 && !w.SleeperWasRung()) alone++;
      if (!w.keeper->Empty()) CHECK(w.SleeperWasRung());
    }
    // Otherwise nobody watched, and this test proves nothing.
    if (messages == 1) CHECK(alone > 0);
  }
}

TEST(a_put_finds_a_watch_or_its_message_is_found) {
  for (uint64_t k = 1;; k++) {
    Watched w;
    CHECK(Watch(&w.segment.control().watched_until).Take(MonotonicNanos()));
    const bool reached = InterruptedAt(
        k, [&] { CHECK_EQ(Put(w.producer.body, Pattern(1, 10)), kOk); },
        [&] {
          w.segment.control().watched_until.Exchange(0);
          if (w.keeper->TryClaim(UINT64_MAX, &w.claim) == kOk) w.keeper->Release(w.claim);
        });
    if (!reached) break;
    CHECK(w.keeper->Empty() || w.SleeperWasRung());
  }
}

// Runs `look` at each access, but not inside itself.
template <typename Operation, typename Look>
void Watching(Operation operation, Look look) {
  bool busy = false;
  at_point = [&] {
    if (std::exchange(busy, true)) return;
    look();
    busy = false;
  };
  operation();
  at_point = nullptr;
}

TEST(who_waits_alone_does_not_watch) {
  Watched w;
  w.sleeper->Waiters(Ring::kData).Disarm(w.sleeper.self());
  Watching([&] { CHECK_EQ(w.Wait(1'000'000), kAgain); }, [&] { CHECK(!w.IsWatched()); });
}

TEST(nobody_watches_a_queue_that_nobody_uses) {
  Watched w;
  Shared<uint64_t>& word = w.segment.control().watched_until;
  std::set<uint64_t> terms;
  bool registered = false;
  Watching([&] { CHECK_EQ(w.Wait(100'000'000), kAgain); },
           [&] {
             // Whether it has run out meanwhile is the clock's business.
             const uint64_t end = word.Load(std::memory_order_seq_cst);
             if (end != 0) terms.insert(end);
             registered |= w.sleeper->Waiters(Ring::kData).Count() == 2;
           });
  // One at least: a machine that stands still may end the wait in its first nap.
  CHECK(!terms.empty() && terms.size() < 10);
  CHECK(registered);
  CHECK(!w.IsWatched());
}

struct Left {
  Status status = kAgain;
  int bursts = 0;
  bool in_one_slice = false;
};

// A wait in which others take many messages during each nap of the keeper, all but one that they leave from the second
// nap on.
Left WaitBesideBriskOthers() {
  Watched w;
  RingMember brisk(w.segment);
  brisk.Join();
  Left left;
  uint64_t term = 0;
  int points = 0;
  const int64_t start = MonotonicNanos();
  Watching([&] { left.status = w.Wait(60'000'000'000); },
           [&] {
             // The points: behind the write that takes or renews the watch; before the look at what is there; and once
             // the keeper has decided whether it leaves that to others.
             const uint64_t now = w.segment.control().watched_until.Load(std::memory_order_seq_cst);
             points = std::exchange(term, now) == now ? points + 1 : 1;
             if (now == 0 || points != 3) return;
             if (left.bursts == 1) CHECK_EQ(Put(w.producer.body, Pattern(1, 10)), kOk);
             for (int i = 0; i < 20; i++) {
               CHECK_EQ(Put(w.producer.body, Pattern(1, 10)), kOk);
               CHECK(Got(brisk.body) == Pattern(1, 10));
             }
             left.bursts++;
           });
  left.in_one_slice = MonotonicNanos() - start < kSliceNanos;
  return left;
}

TEST(a_keeper_leaves_messages_to_others_for_a_while_only) {
  // At the end of its slice a keeper takes what is there, if anything is. A machine that stands still ends slices
  // early: such a wait says nothing about naps.
  Left left;
  do {
    left = WaitBesideBriskOthers();
  } while (!left.in_one_slice);
  CHECK_EQ(left.status, kOk);
  CHECK(left.bursts > 2 && left.bursts < 20);
}

}  // namespace
}  // namespace multiproc
