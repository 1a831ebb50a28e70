// The ring used by one participant at a time: lengths, wrap-around, limits, order of completion.

#include <deque>
#include <string>

#include "ring_messages.h"

namespace multiproc {
namespace {

constexpr uint64_t kEnd = uint64_t{1} << kPositionBits;

std::vector<uint64_t> InterestingLengths() {
  std::vector<uint64_t> lengths;
  for (uint64_t n = 0; n <= 300; n++) lengths.push_back(n);
  for (uint64_t k = 1; k <= 16; k++) lengths.insert(lengths.end(), {k * 64 - 1, k * 64, k * 64 + 1});
  return lengths;
}

TEST(every_length_survives) {
  RingSegment segment({.lines = 128});
  RingMember me(segment);
  me.Join();
  for (const uint64_t length : InterestingLengths()) {
    CHECK_EQ(Put(me.body, Pattern(length, length)), kOk);
    CHECK_EQ(me->Size(), 1);
    std::string got;
    CHECK_EQ(Get(me.body, &got), kOk);
    CHECK(got == Pattern(length, length));
  }
  CHECK_EQ(me->UsedLines(), 0);
}

TEST(no_length_breaks_the_order_at_any_place_of_the_wrap) {
  // Every length begins once at every line of the ring, with other messages before and behind it.
  for (uint64_t start = 0; start < 64; start++) {
    RingSegment segment({.lines = 64, .start = start});
    RingMember me(segment);
    me.Join();
    for (uint64_t length = 0; length <= me->MostBytes(); length += 61) {
      for (uint64_t i = 0; i < 3; i++) CHECK_EQ(Put(me.body, Pattern(length + i, i == 1 ? length : 7)), kOk);
      for (uint64_t i = 0; i < 3; i++) CHECK(Got(me.body) == Pattern(length + i, i == 1 ? length : 7));
      CHECK_EQ(Get(me.body), kAgain);
    }
    CHECK_EQ(segment.poisoned()->Load(std::memory_order_relaxed), 0);
  }
}

// Puts and gets random lengths against a plain deque, through many laps.
void AgainstModel(const RingShape& shape, uint64_t seed, int steps) {
  RingSegment segment(shape);
  RingMember me(segment);
  me.Join();
  Random random(seed);
  std::deque<std::string> model;
  uint64_t serial = 0;
  for (int step = 0; step < steps; step++) {
    const bool filling = random.Below(200) < 100 + (step / 500 % 2 == 0 ? 40 : -40);
    if (filling) {
      const std::string message = Pattern(serial++, random.Below(me->MostBytes() / (random.Below(8) + 1) + 1));
      const Status status = Put(me.body, message);
      if (status == kOk)
        model.push_back(message);
      else
        CHECK_EQ(status, kAgain);
      if (status == kAgain)
        CHECK(shape.maxsize == model.size() || me->UsedLines() + LinesOf(message.size()) > shape.lines);
    } else {
      std::string got;
      const Status status = Get(me.body, &got);
      CHECK_EQ(status, model.empty() ? kAgain : kOk);
      if (model.empty()) continue;
      CHECK(got == model.front());
      model.pop_front();
    }
    CHECK_EQ(me->Size(), model.size());
    CHECK_EQ(me->Empty(), model.empty());
    if (shape.maxsize != 0) CHECK(model.size() <= shape.maxsize);
  }
}

TEST(behaves_like_a_deque) {
  const uint64_t seed = FreshSeed();
  for (const uint64_t lines : {64, 128, 4096}) AgainstModel({.lines = lines}, seed, 20000);
}

TEST(behaves_like_a_deque_where_positions_wrap) {
  const uint64_t seed = FreshSeed();
  for (const uint64_t before : {1, 63, 64, 65, 1000, 5000})
    AgainstModel({.lines = 64, .start = kEnd - before}, seed, 5000);
}

TEST(behaves_like_a_deque_where_laps_wrap) {
  const uint64_t seed = FreshSeed();
  // 36 bits of lap with 64 lines: the lap wraps at 2^42 lines, long before the position does.
  for (const uint64_t before : {1, 64, 1000})
    AgainstModel({.lines = 64, .start = (uint64_t{1} << 42) - before}, seed, 5000);
}

TEST(sequences_wrap_without_a_trace) {
  RingSegment segment({.lines = 64, .maxsize = 3});
  const Cursor near_end = Cursor::Of(0, kSequenceMask - 1);
  segment.control().tail.Store(near_end.raw, std::memory_order_relaxed);
  segment.control().head.Store(near_end.raw, std::memory_order_relaxed);
  RingMember me(segment);
  me.Join();
  for (uint64_t round = 0; round < 10; round++) {
    for (uint64_t i = 0; i < 3; i++) CHECK_EQ(Put(me.body, Pattern(round * 3 + i, 10)), kOk);
    CHECK_EQ(Put(me.body, "one more"), kAgain);
    CHECK(me->Full());
    for (uint64_t i = 0; i < 3; i++) CHECK(Got(me.body) == Pattern(round * 3 + i, 10));
    CHECK(me->Empty());
  }
}

TEST(maxsize_is_exact) {
  for (uint64_t maxsize = 1; maxsize <= 5; maxsize++) {
    RingSegment segment({.lines = 64, .maxsize = maxsize});
    RingMember me(segment);
    me.Join();
    for (uint64_t round = 0; round < 100; round++) {
      for (uint64_t i = 0; i < maxsize; i++) {
        CHECK(!me->Full());
        CHECK_EQ(me->Size(), i);
        CHECK_EQ(Put(me.body, Pattern(i, round)), kOk);
      }
      CHECK(me->Full());
      CHECK_EQ(Put(me.body, ""), kAgain);
      CHECK_EQ(me->Size(), maxsize);
      for (uint64_t i = 0; i < maxsize; i++) CHECK(Got(me.body) == Pattern(i, round));
      CHECK(me->Empty());
    }
  }
}

TEST(every_line_can_be_used) {
  RingSegment segment({.lines = 256});
  RingMember me(segment);
  me.Join();
  for (int round = 0; round < 5; round++) {
    CHECK_EQ(FillWithLines(me.body), 256);
    CHECK(me->Full());
    CHECK_EQ(me->UsedLines(), 256);
    CHECK_EQ(DrainAll(me.body), 256);
    CHECK_EQ(me->UsedLines(), 0);
    CHECK_EQ(Put(me.body, Pattern(1, 64 * 3)), kOk);  // the next round begins at another line
    CHECK_EQ(DrainAll(me.body), 1);
  }
}

TEST(a_quarter_of_the_ring_is_the_longest_message) {
  RingSegment segment({.lines = 64});
  RingMember me(segment);
  me.Join();
  CHECK_EQ(me->MostBytes(), 1024);
  Claim claim;
  CHECK_EQ(me->TryReserve(1025, &claim), kTooLarge);
  CHECK_EQ(me->TryReserve(UINT64_MAX, &claim), kTooLarge);
  for (int i = 0; i < 4; i++) CHECK_EQ(Put(me.body, Pattern(1, 1024)), kOk);
  CHECK_EQ(Put(me.body, ""), kAgain);
  CHECK_EQ(DrainAll(me.body), 4);
}

TEST(a_receiver_with_too_little_room_consumes_nothing) {
  RingSegment segment({.lines = 64});
  RingMember me(segment);
  me.Join();
  CHECK_EQ(Put(me.body, Pattern(1, 100)), kOk);
  Claim claim;
  CHECK_EQ(me->TryClaim(99, &claim), kNoRoom);
  CHECK_EQ(claim.length, 100);
  CHECK_EQ(me->Size(), 1);
  CHECK_EQ(me->TryClaim(100, &claim), kOk);
  CHECK_EQ(me->Release(claim.position), kOk);
  CHECK_EQ(Put(me.body, Pattern(2, 16), kSpilledFlag), kOk);
  CHECK_EQ(me->TryClaim(0, &claim), kOk);
  CHECK_EQ(claim.flags, kSpilledFlag);
  CHECK_EQ(me->Release(claim.position), kOk);
}

TEST(reservations_finish_in_any_order) {
  // Three reservations, each committed, aborted or shortened, in every order: the committed come out in order of
  // reservation.
  int order[] = {0, 1, 2};
  do {
    for (int fates = 0; fates < 27; fates++) {
      RingSegment segment({.lines = 64, .start = 60});
      RingMember me(segment);
      me.Join();
      Claim claims[3];
      for (int i = 0; i < 3; i++) {
        CHECK_EQ(me->TryReserve(200, &claims[i]), kOk);
        memset(claims[i].bytes, 'a' + i, 200);
      }
      std::string expected;
      for (const int i : order) {
        const int fate = fates / (i == 0 ? 1 : i == 1 ? 3 : 9) % 3;
        if (fate == 0) CHECK_EQ(me->Commit(claims[i].position, 200, 0), kOk);
        if (fate == 1) CHECK_EQ(me->Commit(claims[i].position, 5, 0), kOk);
        if (fate == 2) CHECK_EQ(me->Abort(claims[i].position), kOk);
      }
      for (int i = 0; i < 3; i++) {
        const int fate = fates / (i == 0 ? 1 : i == 1 ? 3 : 9) % 3;
        if (fate == 2) continue;
        CHECK(Got(me.body) == std::string(fate == 0 ? 200 : 5, static_cast<char>('a' + i)));
      }
      CHECK_EQ(Get(me.body), kAgain);
      CHECK_EQ(me->UsedLines(), 0);
      CHECK_EQ(FillWithLines(me.body), 64);
      CHECK_EQ(DrainAll(me.body), 64);
    }
  } while (std::next_permutation(order, order + 3));
}

TEST(a_commit_may_shorten_to_any_length) {
  RingSegment segment({.lines = 64, .maxsize = 2});
  RingMember me(segment);
  me.Join();
  for (uint64_t reserved = 0; reserved <= 320; reserved += 40) {
    for (uint64_t length = 0; length <= reserved; length += 8) {
      Claim claim;
      CHECK_EQ(me->TryReserve(reserved, &claim), kOk);
      const std::string message = Pattern(length, length);
      memcpy(claim.bytes, message.data(), length);
      CHECK_EQ(me->Commit(claim.position, length, 0), kOk);
      CHECK_EQ(me->Size(), 1);
      CHECK_EQ(Put(me.body, "behind"), kOk);  // the padding takes no place of maxsize
      CHECK(me->Full());
      CHECK(Got(me.body) == message);
      CHECK(Got(me.body) == "behind");
    }
  }
}

TEST(only_the_owner_finishes_and_only_once) {
  RingSegment segment({});
  RingMember me(segment), other(segment);
  me.Join();
  other.Join();
  Claim claim;
  CHECK_EQ(me->TryReserve(10, &claim), kOk);
  CHECK_EQ(other->Commit(claim.position, 10, 0), kNotOwner);
  CHECK_EQ(other->Abort(claim.position), kNotOwner);
  CHECK_EQ(me->Release(claim.position), kNotOwner);
  CHECK_EQ(me->Commit(claim.position, 65, 0), kTooLarge);
  CHECK_EQ(me->Commit(claim.position, 10, 0), kOk);
  CHECK_EQ(me->Commit(claim.position, 10, 0), kNotOwner);
  CHECK_EQ(other->TryClaim(100, &claim), kOk);
  CHECK_EQ(me->TryClaim(100, &claim), kAgain);
  CHECK_EQ(me->Release(claim.position), kNotOwner);
  CHECK_EQ(me->Requeue(claim.position), kNotOwner);
  CHECK_EQ(other->Release(claim.position), kOk);
  CHECK_EQ(other->Release(claim.position), kNotOwner);
  for (const uint64_t nonsense : {kEnd, UINT64_MAX, uint64_t{63}}) CHECK_EQ(me->Commit(nonsense, 0, 0), kNotOwner);
}

}  // namespace
}  // namespace multiproc
