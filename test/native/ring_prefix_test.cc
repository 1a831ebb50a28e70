// What a consumer remembers of the chain behind head (settled_prefix.h): it loses nothing and changes no order.

#include <functional>
#include <string>

#include "ring_messages.h"

namespace multiproc {
namespace {

// More than a consumer remembers one by one.
constexpr uint64_t kManyOpen = SettledPrefix::kMost + 8;

std::string Number(uint64_t serial) { return Pattern(serial, 20); }

void PutNumbers(Ring& ring, uint64_t from, uint64_t end) {
  for (uint64_t i = from; i < end; i++) CHECK_EQ(Put(ring, Number(i)), kOk);
}

void ExpectNumbers(Ring& ring, uint64_t from, uint64_t end) {
  for (uint64_t i = from; i < end; i++) CHECK(Got(ring) == Number(i));
}

Claim Claimed(Ring& ring) {
  Claim claim;
  CHECK_EQ(ring.TryClaim(UINT64_MAX, &claim), kOk);
  return claim;
}

Claim Reserved(Ring& ring, uint64_t length) {
  Claim claim;
  CHECK_EQ(ring.TryReserve(length, &claim), kOk);
  return claim;
}

void CommitNumber(Ring& ring, const Claim& claim, uint64_t serial) {
  const std::string message = Number(serial);
  memcpy(claim.bytes, message.data(), message.size());
  CHECK_EQ(ring.Commit(claim, message.size(), 0), kOk);
}

struct Three {
  explicit Three(const RingShape& shape) : segment(shape), producer(segment), slow(segment), quick(segment) {
    producer.Join();
    slow.Join();
    quick.Join();
  }
  // Nothing is left, and every line can be used again.
  void ExpectEmptyAndWhole() {
    CHECK_EQ(Get(quick.body), kAgain);
    CHECK_EQ(quick->UsedLines(), 0);
    CHECK_EQ(FillWithLines(producer.body), segment.shape.lines);
    CHECK_EQ(DrainAll(quick.body), segment.shape.lines);
  }

  RingSegment segment;
  RingMember producer, slow, quick;
};

TEST(a_requeued_message_that_was_passed_comes_first) {
  Three t({.start = 50});
  PutNumbers(t.producer.body, 0, 30);
  const Claim held[] = {Claimed(t.slow.body), Claimed(t.slow.body), Claimed(t.slow.body)};
  ExpectNumbers(t.quick.body, 3, 10);
  CHECK_EQ(t.slow->Requeue(held[1].position), kOk);
  ExpectNumbers(t.quick.body, 1, 2);
  ExpectNumbers(t.quick.body, 10, 20);
  CHECK_EQ(t.slow->Requeue(held[2].position), kOk);
  CHECK_EQ(t.slow->Requeue(held[0].position), kOk);
  ExpectNumbers(t.quick.body, 0, 1);
  ExpectNumbers(t.quick.body, 2, 3);
  ExpectNumbers(t.quick.body, 20, 30);
  t.ExpectEmptyAndWhole();
}

TEST(behind_a_stopped_reader_everything_else_is_delivered_in_order) {
  constexpr uint64_t kLines = 4096, kBacklog = 100;
  const struct {
    std::function<void(Three&, const Claim&)> go_on;
    bool back;  // is its message in the queue again?
  } fates[] = {
      {[](Three& t, const Claim& claim) { t.slow->Release(claim); }, false},
      {[](Three& t, const Claim& claim) { CHECK_EQ(t.slow->Requeue(claim.position), kOk); }, true},
      {[](Three& t, const Claim&) { t.producer->Repair(t.slow.self()); }, true},
  };
  for (const auto& fate : fates) {
    Three t({.lines = kLines, .start = kLines / 2});
    PutNumbers(t.producer.body, 0, 1);
    const Claim held = Claimed(t.slow.body);
    uint64_t put = 1, got = 1;
    for (; Put(t.producer.body, Number(put)) == kOk; put++) {
      if (put - got < kBacklog) continue;
      ExpectNumbers(t.quick.body, got, got + 1);
      got++;
    }
    CHECK_EQ(put, kLines);
    const uint64_t half = got + (put - got) / 2;
    ExpectNumbers(t.quick.body, got, half);
    fate.go_on(t, held);
    if (fate.back) ExpectNumbers(t.quick.body, 0, 1);
    CHECK_EQ(t.quick->UsedLines(), put - half);
    PutNumbers(t.producer.body, put, put + kBacklog);
    ExpectNumbers(t.quick.body, half, put + kBacklog);
    t.ExpectEmptyAndWhole();
  }
}

TEST(more_readers_at_work_than_are_remembered) {
  Three t({.lines = 128, .start = 100});
  PutNumbers(t.producer.body, 0, kManyOpen + 20);
  std::vector<Claim> held;
  for (uint64_t i = 0; i < kManyOpen; i++) held.push_back(Claimed(t.slow.body));
  uint64_t next = kManyOpen;
  ExpectNumbers(t.quick.body, next, next + 1);
  next++;
  // Given back from the far end to the near one: what is remembered and what is not.
  for (uint64_t i = kManyOpen; i-- > 0;) {
    CHECK_EQ(t.slow->Requeue(held[i].position), kOk);
    ExpectNumbers(t.quick.body, i, i + 1);
    if (i % 3 != 0) continue;
    ExpectNumbers(t.quick.body, next, next + 1);
    next++;
  }
  ExpectNumbers(t.quick.body, next, kManyOpen + 20);
  t.ExpectEmptyAndWhole();
}

TEST(more_producers_at_work_than_are_remembered) {
  Three t({.lines = 128, .start = 100});
  std::vector<Claim> claims;
  for (uint64_t i = 0; i < 2 * kManyOpen; i++) claims.push_back(Reserved(t.producer.body, 20));
  for (const bool odd : {true, false}) {
    for (uint64_t i = claims.size(); i-- > 0;) {
      if ((i % 2 == 1) != odd) continue;
      CHECK_EQ(Get(t.quick.body), kAgain);
      CommitNumber(t.producer.body, claims[i], i);
      ExpectNumbers(t.quick.body, i, i + 1);
    }
  }
  t.ExpectEmptyAndWhole();
}

TEST(a_reader_remembers_what_it_holds_itself) {
  Three t({.lines = 128});
  PutNumbers(t.producer.body, 0, kManyOpen);
  std::vector<Claim> held;
  for (uint64_t i = 0; i < kManyOpen; i++) held.push_back(Claimed(t.quick.body));
  CHECK_EQ(Get(t.quick.body), kAgain);
  for (uint64_t i = 0; i < kManyOpen; i += 2) CHECK_EQ(t.quick->Requeue(held[i].position), kOk);
  for (uint64_t i = 0; i < kManyOpen; i += 2) ExpectNumbers(t.quick.body, i, i + 1);
  for (uint64_t i = 1; i < kManyOpen; i += 2) t.quick->Release(held[i]);
  t.ExpectEmptyAndWhole();
}

TEST(a_record_that_was_remembered_longer_than_its_commit) {
  for (const bool other_takes_it : {false, true}) {
    Three t({.start = 60});
    const Claim longer = Reserved(t.producer.body, 300);
    PutNumbers(t.producer.body, 1, 4);
    ExpectNumbers(t.quick.body, 1, 2);
    CommitNumber(t.producer.body, longer, 0);
    ExpectNumbers(other_takes_it ? t.slow.body : t.quick.body, 0, 1);
    PutNumbers(t.producer.body, 4, 6);
    ExpectNumbers(t.quick.body, 2, 6);
    t.ExpectEmptyAndWhole();
  }
}

TEST(a_longer_record_that_is_remembered_keeps_its_padding) {
  // Both of a shortened message's records lie behind an unfinished one when head passes neither.
  Three t({.start = 60});
  PutNumbers(t.producer.body, 0, 1);
  const Claim head = Claimed(t.slow.body);
  const Claim longer = Reserved(t.producer.body, 300);
  PutNumbers(t.producer.body, 2, 4);
  ExpectNumbers(t.quick.body, 2, 3);
  CommitNumber(t.producer.body, longer, 1);
  ExpectNumbers(t.quick.body, 1, 2);
  ExpectNumbers(t.quick.body, 3, 4);
  t.slow->Release(head);
  t.ExpectEmptyAndWhole();
}

TEST(head_moves_over_what_a_dead_reader_had_finished) {
  // Killed between FREE and the move of head, with another message in work behind: the next search frees its lines.
  Three t({.start = 64});
  PutNumbers(t.producer.body, 0, 2);
  const Claim finished = Claimed(t.slow.body);
  const Claim behind = Claimed(t.producer.body);
  const RingWordFormat format(6);
  RingRecord record = format.Unpack(finished.word);
  record.state = kFree;
  record.owner = 0;
  t.segment.WordAt(finished.position).Exchange(format.Pack(record));
  CHECK_EQ(t.quick->UsedLines(), 2);
  CHECK_EQ(Get(t.quick.body), kAgain);
  CHECK_EQ(t.quick->UsedLines(), 1);
  t.producer->Release(behind);
  t.ExpectEmptyAndWhole();
}

}  // namespace
}  // namespace multiproc
