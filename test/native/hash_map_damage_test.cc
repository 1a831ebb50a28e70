// A map whose words were overwritten: what is impossible is told to everybody, every walk ends, nothing outside is
// read.

#include "map_use.h"
#include "ring_messages.h"
#include "two_users.h"

namespace multiproc {
namespace {

constexpr uint32_t kCapacity = 4, kUnits = 12;

struct Damaged : TwoUsers {
  Damaged() : TwoUsers(MapOf(kCapacity, kUnits)), mine_map(mine, segment), their_map(theirs, segment) {
    HashMap::Format(mine);
    // One bucket for all.
    while (BucketOf("a") != BucketOf("b")) ControlOf(mine).seed[0]++;
    CHECK_EQ(mine_map.Set("b", TextOf("b", 2, 100)), kOk);
    CHECK_EQ(mine_map.Set("a", TextOf("a", 1, 100)), kOk);
  }
  uint64_t BucketOf(const std::string& key) const {
    return MapHash(ControlOf(mine).seed, key.data(), key.size()) & (kCapacity - 1);
  }
  MapBucket& bucket() const {
    return reinterpret_cast<MapBucket*>(mine.data() + mine_map.map.places().buckets_at)[BucketOf("a")];
  }
  MapUnit& unit(uint64_t number) const {
    return reinterpret_cast<MapUnit*>(mine.data() + mine_map.map.places().units_at)[number - 1];
  }
  MapUnit& first() const { return unit(bucket().first.Load(std::memory_order_relaxed)); }
  bool poisoned() const { return segment.poisoned()->Load(std::memory_order_relaxed) != 0; }
  void CheckPoisoned(Status status) {
    CHECK_EQ(status, kPoisoned);
    CHECK(poisoned());
    std::string text;
    CHECK_EQ(their_map.Get("a", &text), kPoisoned);
    CHECK_EQ(their_map.Has("x"), kPoisoned);
    CHECK_EQ(their_map.ForEach([](const std::string&, const std::string&) {}), kPoisoned);
    CHECK_EQ(their_map.map.TryEnter(), kPoisoned);
  }

  MapUser mine_map, their_map;
};

const auto relaxed = std::memory_order_relaxed;

TEST(an_impossible_entry_is_told_to_everybody) {
  const auto read = [](auto lie) {
    Damaged d;
    lie(d);
    std::string text;
    d.CheckPoisoned(d.mine_map.Get("b", &text));
  };
  for (const uint64_t wrong : {uint64_t{kUnits} + 1, uint64_t{UINT32_MAX}}) {
    read([=](Damaged& d) { d.bucket().first.Store(wrong, relaxed); });
    read([=](Damaged& d) { d.first().links.Store(wrong, relaxed); });
  }
  // Back to itself, for ever.
  read([](Damaged& d) { d.first().links.Store(d.bucket().first.Load(relaxed), relaxed); });
  for (const uint64_t wrong : {uint64_t{kMapMostKey} + 1, uint64_t{UINT32_MAX}}) {
    read([=](Damaged& d) { d.first().words[0].Store(wrong, relaxed); });
  }
  for (const uint64_t wrong : {uint64_t{kUnits} * 56 + 1, uint64_t{UINT32_MAX}, UINT64_MAX}) {
    read([=](Damaged& d) { d.first().words[1].Store(wrong, relaxed); });
  }
  // Longer than its units.
  read([](Damaged& d) {
    MapUnit& unit = d.unit(d.first().links.Load(relaxed) & UINT32_MAX);
    unit.words[1].Store(kUnits * 56 - 100, relaxed);
  });
}

TEST(a_damaged_list_of_free_units_is_told_to_the_writer) {
  Damaged d;
  CHECK_EQ(d.mine_map.Delete("a"), kOk);
  ControlOf(d.mine).free.Store(kUnits + 1, relaxed);
  d.CheckPoisoned(d.mine_map.Set("a", "x"));
}

TEST(more_in_use_than_there_is_is_told_to_the_writer) {
  for (const uint32_t wrong : {kUnits + 1, UINT32_MAX, 0u}) {
    Damaged d;
    ControlOf(d.mine).used.Store(wrong, relaxed);
    d.CheckPoisoned(d.mine_map.Set("a", "x"));
  }
  Damaged d;
  ControlOf(d.mine).fresh.Store(kUnits, relaxed);
  d.CheckPoisoned(d.mine_map.Set("c", "x"));
}

TEST(who_repairs_damage_frees_the_lock_and_tells) {
  const auto repaired = [](auto lie) {
    Damaged d;
    CHECK_EQ(d.their_map.map.TryEnter(), kOk);
    ControlOf(d.mine).change.Store(kMapEntry, relaxed);
    lie(d);
    d.me->Repair(d.other.self());
    CHECK_EQ(Lock(d.mine).Owner(), 0);
    d.CheckPoisoned(d.mine_map.map.TryEnter());
  };
  repaired([](Damaged& d) { ControlOf(d.mine).change.Store(77, relaxed); });
  repaired([](Damaged& d) { ControlOf(d.mine).fresh.Store(UINT32_MAX, relaxed); });
  repaired([](Damaged& d) { d.bucket().first.Store(kUnits, relaxed); });
  repaired([](Damaged& d) { d.first().links.Store(d.bucket().first.Load(relaxed), relaxed); });
  repaired([](Damaged& d) { d.first().words[1].Store(UINT32_MAX, relaxed); });
}

TEST(whatever_the_words_say_every_operation_ends) {
  const uint64_t seed = FreshSeed();
  Random random(seed);
  uint64_t poisoned = 0;
  for (int round = 0; round < 20'000; round++) {
    Damaged d;
    auto* words = reinterpret_cast<Shared<uint32_t>*>(d.mine.data());
    for (uint64_t lies = 1 + random.Below(4); lies > 0; lies--) {
      const uint64_t odd[] = {0, 1, random.Below(kUnits + 2), random.Below(200), random.Next()};
      words[random.Below(d.mine.facts().data_bytes / 4)].Store(static_cast<uint32_t>(odd[random.Below(5)]), relaxed);
    }
    const auto known = [](Status status) {
      CHECK(status >= kOk || status == kAbsent || status == kPoisoned || status == kFull || status == kNoRoom);
    };
    for (int i = 0; i < 6; i++) {
      const std::string key(1, static_cast<char>('a' + random.Below(4)));
      std::string text;
      known(d.their_map.Get(key, &text));
      known(d.their_map.ForEach([](const std::string&, const std::string&) {}));
      known(random.Below(3) == 0 ? d.mine_map.Delete(key) : d.mine_map.Set(key, TextOf(key, 1, random.Below(300))));
      if (random.Below(10) != 0) continue;
      if (d.their_map.map.TryEnter() < kOk) continue;
      d.me->Repair(d.other.self());
      CHECK(d.other->Attach(d.theirs.offset(), d.theirs.generation(), &d.theirs));
    }
    poisoned += d.poisoned();
  }
  CHECK(poisoned > 0);
}

}  // namespace
}  // namespace multiproc
