// The ring under threads, each a participant of its own: exactly once, each producer's order, nothing torn, nobody left
// asleep.

#include <atomic>
#include <thread>

#include "ring_messages.h"

namespace multiproc {
namespace {

struct Header {
  uint32_t producer;
  uint32_t serial;
  uint32_t length;
  uint32_t sum;
};

uint32_t SumOf(const char* bytes, uint64_t length) {
  uint32_t sum = 1;
  for (uint64_t i = 0; i < length; i++) sum = sum * 31 + static_cast<unsigned char>(bytes[i]);
  return sum;
}

template <typename Attempt>
Status Block(RingMember& member, Ring::WaitQueueIndex which, SpinBudget& spin, Attempt attempt) {
  Status status;
  do status = member->Block(which, spin, 60'000'000'000, attempt);
  while (status == kAgain);
  return status;
}

void Produce(const RingSegment& segment, uint32_t producer, uint32_t messages, uint64_t seed) {
  RingMember member(segment);
  member.Join();
  SpinBudget spin(producer % 2 == 0);
  Random random(seed + producer);
  for (uint32_t serial = 0; serial < messages; serial++) {
    const uint64_t reserved = sizeof(Header) + random.Below(random.Below(16) == 0 ? 900 : 120);
    Claim claim;
    CHECK_EQ(Block(member, Ring::kSpace, spin, [&] { return member->TryReserve(reserved, &claim); }), kOk);
    if (random.Below(16) == 0) {
      CHECK_EQ(member->Abort(claim.position), kOk);
      CHECK_EQ(Block(member, Ring::kSpace, spin, [&] { return member->TryReserve(reserved, &claim); }), kOk);
    }
    const uint64_t length =
        random.Below(8) == 0 ? sizeof(Header) + random.Below(reserved - sizeof(Header) + 1) : reserved;
    const std::string rest = Pattern(serial, length - sizeof(Header));
    const Header header{producer, serial, static_cast<uint32_t>(length), SumOf(rest.data(), rest.size())};
    memcpy(claim.bytes, &header, sizeof header);
    memcpy(claim.bytes + sizeof header, rest.data(), rest.size());
    CHECK_EQ(member->Commit(claim.position, length, 0), kOk);
  }
}

// Takes until the shutdown; counts what it got of each producer. Every few messages one is given back first.
void Consume(const RingSegment& segment, uint32_t index, std::atomic<uint64_t>* received, bool requeue) {
  RingMember member(segment);
  member.Join();
  SpinBudget spin(index % 2 == 0);
  std::vector<int64_t> last(64, -1);
  for (uint64_t n = 0;; n++) {
    Claim claim;
    const Status status = Block(member, Ring::kData, spin, [&] { return member->TryClaim(UINT64_MAX, &claim); });
    if (status == kShutDown) return;
    CHECK_EQ(status, kOk);
    if (requeue && n % 7 == 0) {
      CHECK_EQ(member->Requeue(claim.position), kOk);
      continue;
    }
    Header header;
    memcpy(&header, claim.bytes, sizeof header);
    CHECK_EQ(header.length, claim.length);
    CHECK_EQ(SumOf(claim.bytes + sizeof header, claim.length - sizeof header), header.sum);
    CHECK_EQ(member->Release(claim.position), kOk);
    // A message that somebody gave back may come after a later one.
    if (!requeue) CHECK(header.serial > last[header.producer]);
    last[header.producer] = header.serial;
    received[header.producer]++;
  }
}

void Stream(const RingShape& shape, uint32_t producers, uint32_t consumers, uint32_t messages, bool requeue = false) {
  const uint64_t seed = FreshSeed();
  RingSegment segment(shape);
  RingMember me(segment);
  me.Join();
  std::vector<std::atomic<uint64_t>> received(producers);
  std::vector<std::thread> putting, getting;
  for (uint32_t i = 0; i < producers; i++) putting.emplace_back([&, i] { Produce(segment, i, messages, seed); });
  for (uint32_t i = 0; i < consumers; i++)
    getting.emplace_back([&, i] { Consume(segment, i, received.data(), requeue); });
  for (std::thread& thread : putting) thread.join();
  me->ShutDown(false);
  for (std::thread& thread : getting) thread.join();
  for (const auto& count : received) CHECK_EQ(count.load(), messages);
  CHECK_EQ(me->UsedLines(), 0);
  CHECK_EQ(me->Size(), 0);
  CHECK_EQ(segment.poisoned()->Load(std::memory_order_relaxed), 0);
  for (int q = 0; q < kWaitQueues; q++) CHECK_EQ(me->Waiters(q).Count(), 0);
}

constexpr RingShape kShape{.lines = 256, .start = 1000, .participants = 16};

TEST(two_to_two) { Stream(kShape, 2, 2, 10000); }
TEST(four_to_four) { Stream(kShape, 4, 4, 4000); }
TEST(one_to_three) { Stream(kShape, 1, 3, 10000); }
TEST(three_to_one) { Stream(kShape, 3, 1, 5000); }
TEST(through_the_smallest_ring) { Stream({.lines = 64, .start = 7}, 3, 3, 4000); }
TEST(through_a_place_for_one) { Stream({.lines = 64, .maxsize = 1}, 3, 3, 1500); }
TEST(with_messages_given_back) { Stream(kShape, 2, 3, 4000, true); }
TEST(in_a_counted_ring) { Stream({.lines = 128, .maxsize = 10, .counted = true}, 2, 2, 4000); }

TEST(one_producers_order_holds_at_full_speed) {
  // No sleep and nothing but the operations themselves: the getter often sees a message that is being written, and the
  // next one.
  constexpr uint64_t kMessages = 100'000;
  RingSegment segment(kShape);
  std::thread producer([&] {
    RingMember member(segment);
    member.Join();
    for (uint64_t serial = 0; serial < kMessages;) {
      Claim claim;
      if (member->TryReserve(sizeof serial, &claim) != kOk) continue;
      memcpy(claim.bytes, &serial, sizeof serial);
      CHECK_EQ(member->Commit(claim.position, sizeof serial, 0), kOk);
      serial++;
    }
  });
  RingMember me(segment);
  me.Join();
  uint64_t disorder = 0;
  for (uint64_t expected = 0; expected < kMessages;) {
    Claim claim;
    if (me->TryClaim(sizeof expected, &claim) != kOk) continue;
    uint64_t serial;
    memcpy(&serial, claim.bytes, sizeof serial);
    CHECK_EQ(me->Release(claim.position), kOk);
    if (serial != expected) disorder++;
    expected++;
  }
  producer.join();
  CHECK_EQ(disorder, 0);
}

TEST(unfinished_is_never_zero_while_a_task_is_open) {
  constexpr uint64_t kTasks = 20000;
  RingSegment segment({.counted = true});
  RingMember me(segment), opener(segment);
  me.Join();
  opener.Join();
  CHECK_EQ(Put(opener.body, "open"), kOk);
  CHECK_EQ(Get(me.body), kOk);
  std::atomic<int> working{2};
  std::vector<std::thread> workers;
  for (int i = 0; i < 2; i++) {
    workers.emplace_back([&] {
      RingMember member(segment);
      member.Join();
      for (uint64_t n = 0; n < kTasks; n++) {
        // A worker that is not running may hold up the space behind its message.
        while (Put(member.body, "task") == kAgain) CpuRelax();
        while (Get(member.body) == kAgain) CpuRelax();
        CHECK_EQ(member->TaskDone(), kOk);
      }
      working--;
    });
  }
  while (working > 0) {
    const uint64_t unfinished = me->Unfinished();
    CHECK(unfinished >= 1 && unfinished <= 1 + 2 * kTasks);
  }
  for (std::thread& worker : workers) worker.join();
  CHECK_EQ(me->Unfinished(), 1);
}

}  // namespace
}  // namespace multiproc
