// A ring whose shared words were overwritten: every operation ends, no byte outside the ring is touched, impossible
// values poison.

#include "ring_messages.h"

namespace multiproc {
namespace {

constexpr uint64_t kLines = 64;
constexpr uint64_t kStart = 640;
// Where the damaged records stand: a READY one of three lines behind a WRITING one, then more.
constexpr uint64_t kWritingAt = kStart, kReadyAt = kStart + 2;

struct Damaged {
  Damaged()
      : segment({.lines = kLines, .counted = true, .start = kStart, .participants = 70}), me(segment), other(segment) {
    me.Join();
    other.Join();
    Claim claim;
    CHECK_EQ(other->TryReserve(100, &claim), kOk);
    CHECK_EQ(claim.position, kWritingAt);
    CHECK_EQ(Put(me.body, Pattern(1, 150)), kOk);
    CHECK_EQ(Put(me.body, Pattern(2, 5)), kOk);
  }
  // Everything that a participant can do, bounded by count: what goes on for ever is ended by the watchdog.
  void UseEverything() {
    for (int round = 0; round < 2; round++) {
      for (uint64_t i = 0; i < 2 * kLines; i++) TryPut(30);
      TryPut(me->MostBytes());
      for (uint64_t i = 0; i < 2 * kLines; i++) TryGet();
      me->Size();
      me->Empty();
      me->Full();
      me->Unfinished();
      me->Busy();
      me->ForEachHeld([](uint32_t, const char*) {});
    }
    me->Repair(other.self());
    me->ShutDown(true);
    std::vector<uint64_t> spilled;
    me->Drain(&spilled);
  }
  void TryPut(uint64_t length) {
    Claim claim;
    if (me->TryReserve(length, &claim) != kOk) return;
    // Whatever the words say, the bytes lie inside the double mapping.
    CHECK(claim.bytes >= me->data());
    CHECK(claim.bytes + claim.length <= me->data() + 2 * kLines * kLineBytes);
    memset(claim.bytes, 'x', claim.length);
    me->Commit(claim.position, length, 0);
  }
  void TryGet() {
    Claim claim;
    if (me->TryClaim(UINT64_MAX, &claim) != kOk) return;
    CHECK(claim.bytes >= me->data());
    CHECK(claim.bytes + claim.length <= me->data() + 2 * kLines * kLineBytes);
    me->Release(claim.position);
  }
  bool poisoned() const { return segment.poisoned()->Load(std::memory_order_relaxed) != 0; }
  Shared<uint64_t>& WordAt(uint64_t position) { return segment.WordAt(position); }

  RingSegment segment;
  RingMember me, other;
};

// Flips every bit of a word of the ring, one per run.
template <typename Word>
void FlipEveryBit(Word word) {
  const size_t bits = sizeof(word(std::declval<Damaged&>()).Load(std::memory_order_relaxed)) * 8;
  for (size_t bit = 0; bit < bits; bit++) {
    Damaged ring;
    auto& damaged = word(ring);
    damaged.Store(damaged.Load(std::memory_order_relaxed) ^ (uint64_t{1} << bit), std::memory_order_relaxed);
    ring.UseEverything();
  }
}

TEST(no_flipped_bit_of_a_record_hangs_or_escapes) {
  FlipEveryBit([](Damaged& d) -> Shared<uint64_t>& { return d.WordAt(kWritingAt); });
  FlipEveryBit([](Damaged& d) -> Shared<uint64_t>& { return d.WordAt(kReadyAt); });
  FlipEveryBit([](Damaged& d) -> Shared<uint64_t>& { return d.WordAt(kReadyAt + 1); });  // inside a record
  FlipEveryBit([](Damaged& d) -> Shared<uint64_t>& { return d.WordAt(kReadyAt + 4); });  // at the tail
}

TEST(no_flipped_bit_of_the_control_page_hangs_or_escapes) {
  FlipEveryBit([](Damaged& d) -> Shared<uint64_t>& { return d.segment.control().tail; });
  FlipEveryBit([](Damaged& d) -> Shared<uint64_t>& { return d.segment.control().head; });
  FlipEveryBit([](Damaged& d) -> Shared<uint32_t>& { return d.segment.control().flags; });
  FlipEveryBit([](Damaged& d) -> Shared<uint64_t>& { return d.segment.control().done; });
  for (int q = 0; q < kWaitQueues; q++) {
    FlipEveryBit([q](Damaged& d) -> Shared<uint32_t>& { return d.segment.control().waiter_summary[q]; });
    for (int w = 0; w < 2; w++) {
      FlipEveryBit([q, w](Damaged& d) -> Shared<uint64_t>& {
        d.segment.control().waiter_summary[q].FetchOr(3);
        return d.segment.control().waiter_bits[q][w];
      });
    }
  }
}

TEST(random_words_hang_nothing) {
  Random random(FreshSeed());
  for (int run = 0; run < 300; run++) {
    Damaged ring;
    for (uint64_t i = 0; i < kLines; i++) {
      if (random.Below(4) == 0) ring.WordAt(i).Store(random.Next(), std::memory_order_relaxed);
    }
    if (random.Below(2) == 0) ring.segment.control().tail.Store(random.Next(), std::memory_order_relaxed);
    if (random.Below(2) == 0) ring.segment.control().head.Store(random.Next(), std::memory_order_relaxed);
    ring.UseEverything();
  }
}

TEST(an_impossible_record_poisons_for_everybody) {
  const RingWordFormat format(6);
  const RingRecord good{format.Lap(kReadyAt), 0, kReady, 0, 3, 42};
  for (const auto& change :
       std::vector<void (*)(RingRecord&)>{[](RingRecord& r) { r.pad = 65; }, [](RingRecord& r) { r.pad = 64; },
                                          [](RingRecord& r) { r.state = static_cast<RingState>(6); }}) {
    Damaged ring;
    RingRecord record = good;
    change(record);
    CHECK(!ring.poisoned());
    ring.WordAt(kReadyAt).Store(format.Pack(record), std::memory_order_relaxed);
    CHECK_EQ(Get(ring.me.body), kPoisoned);
    CHECK(ring.poisoned());
    CHECK_EQ(Put(ring.me.body, "x"), kPoisoned);
    CHECK_EQ(Get(ring.other.body), kPoisoned);
  }
}

TEST(poison_rings_everybody) {
  Damaged ring;
  const uint32_t before = ring.segment.slots()[ring.other.self()].doorbell.Load(std::memory_order_relaxed);
  ring.WordAt(kReadyAt).Store(ring.WordAt(kReadyAt).Load(std::memory_order_relaxed) | 127, std::memory_order_relaxed);
  CHECK_EQ(Get(ring.me.body), kPoisoned);
  CHECK(ring.segment.slots()[ring.other.self()].doorbell.Load(std::memory_order_relaxed) != before);
}

TEST(cursors_further_apart_than_the_ring_poison) {
  Damaged ring;
  const Cursor tail{ring.segment.control().tail.Load(std::memory_order_relaxed)};
  ring.segment.control().tail.Store(tail.Advanced(10 * kLines, 0).raw, std::memory_order_relaxed);
  CHECK_EQ(Put(ring.me.body, "x"), kPoisoned);
}

TEST(a_waiter_bit_beyond_the_participants_is_not_rung) {
  // 70 participants have 128 bits. What lies where the slot of number 127 would be belongs to the queue.
  Damaged ring;
  char* const behind = reinterpret_cast<char*>(ring.segment.slots() + 70);
  char* const words = reinterpret_cast<char*>(ring.segment.words());
  const std::string before(behind, static_cast<size_t>(words - behind));
  QueueControl& control = ring.segment.control();
  ring.me->ForEachHeld([](uint32_t, const char*) {});
  control.waiter_bits[Ring::kJoin][1].Store(~uint64_t{0}, std::memory_order_relaxed);
  control.waiter_summary[Ring::kJoin].Store(2, std::memory_order_relaxed);
  ring.me->Waiters(Ring::kJoin).RingAll(ring.me.registry);
  control.waiter_bits[Ring::kJoin][1].Store(0, std::memory_order_relaxed);
  control.waiter_summary[Ring::kJoin].Store(0, std::memory_order_relaxed);
  CHECK(std::string(behind, static_cast<size_t>(words - behind)) == before);
}

}  // namespace
}  // namespace multiproc
