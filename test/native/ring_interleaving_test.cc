// The ring when others act between any two accesses to shared words: random interleavings of one thread, and each place
// of a few chosen ones.

#include "ring_crowd.h"

namespace multiproc {
namespace {

constexpr uint64_t kEnd = uint64_t{1} << kPositionBits;
// Where the lap wraps in rings of less than 2^22 lines, long before the position does.
constexpr uint64_t kLapEnd = uint64_t{1} << 42;

uint64_t Setting(const char* name, uint64_t usual) {
  const char* wanted = getenv(name);
  return wanted != nullptr ? strtoull(wanted, nullptr, 10) : usual;
}

// Crowds of one seed after another. NATIVE_TEST_SEED: the first seed; NATIVE_TEST_STEPS: operations in all.
void Explore(const std::function<CrowdPlan(Random&)>& plan) {
  const uint64_t steps = Setting("NATIVE_TEST_STEPS", 150'000);
  uint64_t seed = Setting("NATIVE_TEST_SEED", 1);
  for (uint64_t done = 0; done < steps; seed++) {
    RingCrowd crowd(seed, plan);
    for (int phase = 0; phase < 4; phase++) {
      crowd.Act(200 + crowd.random().Below(2000));
      crowd.Rest();
    }
    done += crowd.operations();
  }
}

RingShape AnyShape(Random& random, uint64_t start) {
  const uint64_t lines[] = {64, 64, 128, 256};
  return {.lines = lines[random.Below(4)], .start = start, .participants = 3 + static_cast<uint32_t>(random.Below(8))};
}

uint64_t AnyStart(Random& random) {
  switch (random.Below(4)) {
    case 0:
      return random.Below(600);  // lap 0 among them, which zeroed words have
    case 1:
      return kEnd - 1 - random.Below(2000);
    case 2:
      return kLapEnd - 1 - random.Below(2000);
    default:
      return random.Next() & kPositionMask;
  }
}

TEST(random_interleavings) {
  Explore([](Random& random) { return CrowdPlan{.shape = AnyShape(random, random.Next() & kPositionMask)}; });
}

TEST(random_interleavings_where_positions_wrap) {
  Explore([](Random& random) { return CrowdPlan{.shape = AnyShape(random, kEnd - 1 - random.Below(2000))}; });
}

TEST(random_interleavings_where_laps_wrap) {
  Explore([](Random& random) {
    const uint64_t before = random.Below(2000);
    return CrowdPlan{.shape = AnyShape(random, before % 2 == 0 ? kLapEnd - 1 - before : before)};
  });
}

TEST(random_interleavings_with_many_records_open) {
  Explore([](Random& random) {
    CrowdPlan plan{.shape = AnyShape(random, AnyStart(random)), .open = 20 + random.Below(60)};
    plan.shape.lines = std::max(plan.shape.lines, uint64_t{128});
    return plan;
  });
}

TEST(random_interleavings_with_a_maxsize) {
  Explore([](Random& random) {
    CrowdPlan plan{.shape = AnyShape(random, AnyStart(random)), .lifetime = 1000};
    plan.shape.maxsize = 1 + random.Below(40);
    return plan;
  });
}

TEST(random_interleavings_that_are_counted) {
  Explore([](Random& random) {
    CrowdPlan plan{.shape = AnyShape(random, AnyStart(random)), .lifetime = random.Below(3) * 20};
    plan.shape.counted = true;
    return plan;
  });
}

TEST(random_interleavings_with_deaths) {
  Explore([](Random& random) {
    return CrowdPlan{
        .shape = AnyShape(random, AnyStart(random)), .open = random.Below(2) * 50, .lifetime = 20 + random.Below(400)};
  });
}

// The ring goes round several times at each place of a reservation, never more than one line full.
TEST(a_reservation_finds_the_room_that_was_there_all_along) {
  for (const uint64_t maxsize : {0, 2}) {
    for (uint64_t k = 1;; k++) {
      RingSegment segment({.maxsize = maxsize, .start = 50});
      RingMember me(segment), other(segment);
      me.Join();
      other.Join();
      Claim claim;
      const bool reached = InterruptedAt(
          k, [&] { CHECK_EQ(me->TryReserve(200, &claim), kOk); },
          [&] {
            // Once the reservation is made, what comes and goes behind it uses up the ring.
            for (uint64_t i = 0; i < 200 && other->Busy().empty(); i++) {
              CHECK_EQ(Put(other.body, Pattern(i, 10)), kOk);
              CHECK(Got(other.body) == Pattern(i, 10));
            }
          });
      CHECK_EQ(me->Commit(claim, 200, 0), kOk);
      CHECK_EQ(Get(other.body), kOk);
      CHECK_EQ(other->UsedLines(), 0);
      if (!reached) break;
    }
  }
}

// A producer commits two messages, first one then the other, while a consumer searches: at each place of the search,
// and behind each number of records that others have open.
TEST(a_search_that_passed_a_producers_first_message_does_not_take_its_second) {
  for (const uint64_t open : {0u, 1u, SettledPrefix::kMost - 1, SettledPrefix::kMost, SettledPrefix::kMost + 1, 60u}) {
    for (const bool remembered : {false, true}) {
      uint64_t both_seen = 0;
      for (uint64_t k = 1;; k++) {
        RingSegment segment({.lines = 128, .start = 100});
        RingMember producer(segment), others(segment), consumer(segment);
        producer.Join();
        others.Join();
        consumer.Join();
        Claim claim, first, second;
        for (uint64_t i = 0; i < open; i++) CHECK_EQ(others->TryReserve(10, &claim), kOk);
        CHECK_EQ(producer->TryReserve(1, &first), kOk);
        CHECK_EQ(producer->TryReserve(1, &second), kOk);
        if (remembered) CHECK_EQ(Get(consumer.body), kAgain);
        Status status = kAgain;
        const bool reached = InterruptedAt(
            k, [&] { status = consumer->TryClaim(100, &claim); },
            [&] {
              CHECK_EQ(producer->Commit(first, 1, 0), kOk);
              CHECK_EQ(producer->Commit(second, 1, 0), kOk);
            });
        if (!reached) break;
        CHECK(status == kAgain || (status == kOk && claim.position == first.position));
        if (status == kOk) both_seen++;
      }
      CHECK(both_seen > 0);
    }
  }
}

}  // namespace
}  // namespace multiproc
