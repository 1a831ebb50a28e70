// Maps: what is set is got, of any length; what has no room changes nothing; readers beside writers see whole entries.

#include <atomic>
#include <map>
#include <thread>

#include "map_use.h"
#include "ring_messages.h"
#include "two_users.h"

namespace multiproc {
namespace {

struct TwoMaps : TwoUsers {
  TwoMaps(uint32_t capacity, uint32_t units)
      : TwoUsers(MapOf(capacity, units)), my_map(mine, segment), their_map(theirs, segment) {
    HashMap::Format(mine);
  }
  bool poisoned() const { return segment.poisoned()->Load(std::memory_order_relaxed) != 0; }

  MapUser my_map, their_map;
};

TEST(what_one_sets_another_gets) {
  TwoMaps t(4, 16);
  CHECK(!t.their_map.Value("a").has_value());
  CHECK_EQ(t.my_map.Set("a", "one"), kOk);
  CHECK(*t.their_map.Value("a") == "one");
  CHECK_EQ(t.their_map.Set("a", "two"), kOk);
  CHECK(*t.my_map.Value("a") == "two");
  CHECK_EQ(t.my_map.Has("a"), kOk);
  CHECK_EQ(t.my_map.Has("b"), kAbsent);
  CHECK_EQ(t.my_map.map.Count(), 1);
  CHECK_EQ(t.my_map.Delete("b"), kAbsent);
  CHECK_EQ(t.my_map.Delete("a"), kOk);
  CHECK_EQ(t.their_map.Has("a"), kAbsent);
  t.their_map.CheckUnits();
}

TEST(keys_and_values_of_every_length_come_back) {
  TwoMaps t(4, 64);
  for (uint64_t key_bytes = 0; key_bytes < 140; key_bytes++) {
    const std::string key(key_bytes, 'k');
    for (const uint64_t more : {0, 1, 7, 8, 9, 31, 32, 33, 100, 500}) {
      const std::string text = TextOf(key, key_bytes, more).substr(more == 0 ? 8 : 0);
      for (const uint64_t split : {0, 3, 8, 17}) {
        CHECK_EQ(t.my_map.Locked([&] { return t.my_map.map.Put(key.data(), key.size(), ValueOf(text, split)); }), kOk);
        CHECK(*t.their_map.Value(key) == text);
      }
      CHECK_EQ(t.my_map.Delete(key), kOk);
      CHECK_EQ(t.my_map.map.UsedUnits(), 0);
    }
  }
  const std::string longest(kMapMostKey, 'l'), longer(kMapMostKey + 1, 'l');
  TwoMaps large(2, 200);
  CHECK_EQ(large.my_map.Set(longest, "x"), kOk);
  CHECK_EQ(large.my_map.Set(longer, "x"), kTooLarge);
  CHECK(*large.their_map.Value(longest) == "x");
  large.my_map.CheckUnits();
}

TEST(what_has_no_room_changes_nothing) {
  TwoMaps t(2, 4);
  CHECK_EQ(t.my_map.Set("a", "1"), kOk);
  CHECK_EQ(t.my_map.Set("b", "2"), kOk);
  CHECK_EQ(t.my_map.Set("c", "3"), kFull);
  // Two are free, which is enough for one more of its size, and not for three.
  CHECK_EQ(t.my_map.Set("a", std::string(100, 'x')), kFull);
  CHECK_EQ(t.my_map.Set("a", std::string(50, 'x')), kOk);
  CHECK_EQ(t.my_map.Set("a", std::string(50, 'y')), kFull);
  CHECK(*t.my_map.Value("a") == std::string(50, 'x'));
  CHECK(*t.my_map.Value("b") == "2");
  CHECK_EQ(t.my_map.map.Count(), 2);
  t.my_map.CheckUnits();
}

TEST(who_has_too_little_memory_is_told_how_much_it_takes) {
  TwoMaps t(2, 32);
  CHECK_EQ(t.my_map.Set("a", std::string(300, 'x')), kOk);
  char memory[400];
  MapOutput output{memory, 299, 0};
  CHECK_EQ(t.my_map.map.Get("a", 1, &output), kNoRoom);
  CHECK_EQ(output.bytes, 300);
  output.room = 300;
  CHECK_EQ(t.my_map.map.Get("a", 1, &output), kOk);
  uint64_t bucket = 0;
  output.room = 308;
  CHECK_EQ(t.my_map.map.Scan(&bucket, &output), kNoRoom);
  CHECK_EQ(output.bytes, 309);
  output.room = 309;
  CHECK_EQ(t.my_map.map.Scan(&bucket, &output), kOk);
  CHECK_EQ(t.my_map.map.Scan(&bucket, &output), kAbsent);
}

TEST(one_at_a_time_changes_it) {
  TwoMaps t(2, 8);
  CHECK_EQ(t.my_map.map.TryEnter(), kOk);
  CHECK_EQ(t.my_map.map.TryEnter(), kDeadlock);
  CHECK_EQ(t.their_map.map.TryEnter(), kAgain);
  CHECK_EQ(t.my_map.Put("a", "1"), kOk);
  CHECK(*t.their_map.Value("a") == "1");
  CHECK_EQ(t.my_map.map.Leave(), kOk);
  CHECK_EQ(t.their_map.map.TryEnter(), kOk);
  CHECK_EQ(t.their_map.map.Leave(), kOk);
}

TEST(it_is_what_a_map_of_the_process_is) {
  const uint64_t seed = FreshSeed();
  Random random(seed);
  for (int round = 0; round < 20; round++) {
    const uint32_t capacity = 1 + static_cast<uint32_t>(random.Below(40));
    const uint32_t units = capacity + static_cast<uint32_t>(random.Below(100));
    TwoMaps t(capacity, units);
    std::map<std::string, std::string> model;
    for (uint64_t version = 0; version < 3000; version++) {
      MapUser& user = random.Below(2) == 0 ? t.my_map : t.their_map;
      const std::string key = std::string(random.Below(3) * 9, 'k') + std::to_string(random.Below(capacity + 5));
      const auto known = model.find(key);
      switch (random.Below(20)) {
        case 0:
          if (random.Below(20) != 0) break;
          CHECK_EQ(user.Locked([&] { return user.map.Clear(), kOk; }), kOk);
          model.clear();
          break;
        case 1:
        case 2:
        case 3:
        case 4:
        case 5:
          CHECK_EQ(user.Delete(key), model.erase(key) == 1 ? kOk : kAbsent);
          break;
        case 6:
        case 7:
        case 8:
        case 9:
        case 10:
        case 11: {
          const std::string text = TextOf(key, version, random.Below(200));
          const Status status = user.Set(key, text);
          if (status == kOk) {
            model[key] = text;
          } else {
            CHECK_EQ(status, kFull);
            const uint64_t words = kMapHeadWords + (key.size() + 7) / 8 + (text.size() + 7) / 8;
            CHECK(user.map.UsedUnits() + (words + kMapUnitWords - 1) / kMapUnitWords > units ||
                  (known == model.end() && model.size() == capacity));
          }
          break;
        }
        case 12: {
          uint64_t seen = 0;
          CHECK_EQ(user.ForEach([&](const std::string& k, const std::string& text) {
            seen++;
            CHECK(model.at(k) == text);
          }),
                   kOk);
          CHECK_EQ(seen, model.size());
          break;
        }
        default: {
          const std::optional<std::string> text = user.Value(key);
          CHECK_EQ(text.has_value(), known != model.end());
          if (text.has_value()) CHECK(*text == known->second);
        }
      }
      CHECK_EQ(user.map.Count(), model.size());
    }
    t.my_map.CheckUnits();
    CHECK(!t.poisoned());
  }
}

TEST(readers_beside_writers_see_whole_entries) {
  constexpr uint64_t kRounds = 6000;
  const std::string keys[] = {"a", "bb", "ccc", std::string(60, 'd')};
  ArenaSegment segment;
  ArenaMember creator(segment);
  creator.Join();
  creator->BecomeCreator();
  const Block block = creator->Allocate(MapOf(4, 40));
  HashMap::Format(block);
  std::atomic<int> writing{2};
  std::atomic<uint64_t> found{0};
  std::vector<std::thread> threads;
  const auto join = [&](ArenaMember& member, Block* own) {
    member.Join();
    CHECK(member->Attach(block.offset(), block.generation(), own));
  };
  for (uint64_t writer = 0; writer < 2; writer++) {
    threads.emplace_back([&, writer] {
      ArenaMember member(segment);
      Block own;
      join(member, &own);
      MapUser user(own, segment);
      SpinBudget spin(false);
      Random random(writer + 1);
      for (uint64_t version = 1; version <= kRounds; version++) {
        const std::string& key = keys[random.Below(4)];
        while (BlockUntil(member.registry, own.waiters(), spin, kSliceNanos, [&] { return user.map.TryEnter(); }) < 0) {
        }
        if (random.Below(5) == 0) {
          user.Remove(key);
        } else {
          // One number after another, over both writers: it may get larger only.
          const uint64_t next = ControlOf(own).unused[0] += 1;
          CHECK_EQ(user.Put(key, TextOf(key, next, random.Below(250))), kOk);
        }
        CHECK_EQ(user.map.Leave(), kOk);
      }
      writing--;
    });
  }
  for (uint64_t reader = 0; reader < 2; reader++) {
    threads.emplace_back([&, reader] {
      ArenaMember member(segment);
      Block own;
      join(member, &own);
      const MapUser user(own, segment);
      Random random(reader + 9);
      std::map<std::string, uint64_t> last;
      const auto see = [&](const std::string& key, const std::string& text) {
        const uint64_t version = VersionOf(key, text);
        CHECK(version >= last[key]);
        last[key] = version;
        found++;
      };
      while (writing > 0) {
        const std::string& key = keys[random.Below(4)];
        std::string text;
        const Status status = user.Get(key, &text);
        CHECK(status == kOk || status == kAbsent || status == kAgain);
        if (status == kOk) see(key, text);
        if (random.Below(8) == 0) {
          const Status scanned = user.ForEach(see);
          CHECK(scanned == kOk || scanned == kAgain);
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(found > 0);
  MapUser(block, segment).CheckUnits();
  CHECK_EQ(segment.poisoned()->Load(std::memory_order_relaxed), 0);
}

}  // namespace
}  // namespace multiproc
