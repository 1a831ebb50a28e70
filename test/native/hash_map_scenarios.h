// What is done with a map while somebody is killed or stopped, and what must hold.
#pragma once

#include "kill_points.h"
#include "map_use.h"

namespace multiproc {

inline constexpr uint32_t kMapCapacity = 8, kMapUnits = 24;

inline MapUser UserOf(Actor& a) { return MapUser(a.block, a.segment); }

inline void Enter(Actor& a, MapUser& user) {
  const Status got = a.Await([&] { return user.map.TryEnter(); });
  CHECK(got == kOk || got == kOkOwnerDied);
}
inline void Leave(MapUser& user) { CHECK_EQ(user.map.Leave(), kOk); }

// A number that everybody raises, in a text of one, two or three units.
inline const std::string kNumber = "number";
inline uint64_t NumberIn(const MapUser& user) { return VersionOf(kNumber, *user.Value(kNumber)); }
inline Status SetNumber(MapUser& user, uint64_t number) {
  return user.Put(kNumber, TextOf(kNumber, number, number % 3 * 50));
}

// Of what the dead one was at, all or nothing has come about: its step is counted when it is seen.
inline void Raise(Actor& a) {
  MapUser user = UserOf(a);
  const uint64_t before = NumberIn(user);
  Enter(a, user);
  const uint64_t number = NumberIn(user);
  CHECK(number >= before);
  const uint64_t counted = a.board.increments.load();
  CHECK(number == counted || (number == counted + 1 && a.number != Actor::kVictim));
  a.board.increments.store(number);
  a.Linger();
  CHECK_EQ(SetNumber(user, number + 1), kOk);
  FAULT_POINT();
  a.board.increments.store(number + 1);
  Leave(user);
}

// A key of one's own comes and goes, at the head of a bucket or behind others.
inline void ComeAndGo(Actor& a) {
  MapUser user = UserOf(a);
  const std::string key = "own " + std::to_string(a.number);
  for (uint64_t version = 1; version <= 2; version++) {
    Enter(a, user);
    CHECK_EQ(user.Put(key, TextOf(key, version, 60)), kOk);
    Leave(user);
    CHECK_EQ(VersionOf(key, *user.Value(key)), version);
  }
  Enter(a, user);
  CHECK_EQ(user.Remove(key), kOk);
  Leave(user);
  CHECK(!user.Value(key).has_value());
}

inline void Prepare(Actor& a) {
  HashMap::Format(a.block);
  MapUser user = UserOf(a);
  CHECK_EQ(user.Locked([&] { return SetNumber(user, 0); }), kOk);
}

// What the victim left is whole, and afterwards every unit is where it belongs.
inline void VerifyMap(Actor& a, const Outcome& outcome) {
  MapUser user = UserOf(a);
  const std::optional<std::string> number = user.Value(kNumber);
  if (number.has_value()) {
    const uint64_t found = VersionOf(kNumber, *number), counted = a.board.increments.load();
    CHECK(found == counted || (outcome.killed && found == counted + 1));
  }
  CHECK_EQ(user.ForEach([&](const std::string& key, const std::string& text) {
    VersionOf(key, text);
    CHECK(key == kNumber || (outcome.killed && key == "own 0"));
  }),
           kOk);
  user.CheckUnits();
}

inline bool MapIsNotTheVictims(Actor& a) { return Lock(a.block).Owner() != a.board.victim.load() + 1; }

inline Scenario MapScenario(const char* name, const Act& act, const Act& round) {
  return {.name = name,
          .request = [](uint32_t) { return MapOf(kMapCapacity, kMapUnits); },
          .prepare = Prepare,
          .release = Nothing,
          .before = Nothing,
          .act = act,
          .round = round,
          .verify = VerifyMap,
          .free_for_others = MapIsNotTheVictims};
}

// Others only read: they always go on.
inline Scenario ReadScenario() {
  Scenario scenario = MapScenario("map, changed beside readers", Raise, [](Actor& a) {
    MapUser user = UserOf(a);
    const uint64_t first = NumberIn(user);
    CHECK(NumberIn(user) >= first);
  });
  scenario.free_for_others = [](Actor&) { return true; };
  return scenario;
}

// As ComeAndGo, where somebody may clear the map meanwhile.
inline void ComeOrBeCleared(Actor& a) {
  MapUser user = UserOf(a);
  const std::string key = "own " + std::to_string(a.number);
  Enter(a, user);
  CHECK_EQ(user.Put(key, TextOf(key, 1, 60)), kOk);
  CHECK_EQ(VersionOf(key, *user.Value(key)), 1);
  Leave(user);
  Enter(a, user);
  const Status removed = user.Remove(key);
  CHECK(removed == kOk || removed == kAbsent);
  Leave(user);
}

inline Scenario ClearScenario() {
  const auto key = [](int i) { return "key " + std::to_string(i); };
  Scenario scenario = MapScenario(
      "map, cleared",
      [](Actor& a) {
        MapUser user = UserOf(a);
        Enter(a, user);
        user.map.Clear();
        Leave(user);
      },
      ComeOrBeCleared);
  scenario.prepare = [=](Actor& a) {
    Prepare(a);
    MapUser user = UserOf(a);
    for (int i = 0; i < 3; i++) CHECK_EQ(user.Set(key(i), TextOf(key(i), 7, 0)), kOk);
  };
  // A clear that has begun is finished for the dead.
  scenario.verify = [=](Actor& a, const Outcome& outcome) {
    MapUser user = UserOf(a);
    const bool kept = user.Value(kNumber).has_value();
    CHECK(outcome.killed || !kept);
    for (int i = 0; i < 3; i++) CHECK_EQ(user.Value(key(i)).has_value(), kept);
    CHECK_EQ(user.map.Count(), kept ? 4 : 0);
    user.CheckUnits();
  };
  return scenario;
}

// Somebody has died in the middle of a change, with a unit taken, and an entry taken out and not given back; nobody has
// looked yet.
inline void LeaveDeadWriter(Actor& a) {
  auto* dead = new ArenaMember(a.segment);
  dead->Join();
  Block block;
  CHECK((*dead)->Attach(a.block.offset(), a.block.generation(), &block));
  MapUser user(block, a.segment);
  CHECK(user.map.TryEnter() >= kOk);
  MapControl& control = ControlOf(block);
  control.change.Store(kMapEntry, std::memory_order_relaxed);
  control.fresh.Store(control.fresh.Load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  const HashMap& map = user.map;
  auto* buckets = reinterpret_cast<MapBucket*>(block.data() + map.places().buckets_at);
  for (uint64_t i = 0; i < map.places().buckets; i++) buckets[i].first.Store(0, std::memory_order_relaxed);
  dead->fd.Reset();
}

inline Scenario ReaperScenario(const Act& before) {
  Scenario scenario = MapScenario(
      "map, reap", [](Actor& a) { a.member.ReapAll(); }, [](Actor& a) { a.member.ReapAll(); });
  scenario.before = before;
  scenario.dead = 1;
  scenario.verify = [](Actor& a, const Outcome&) {
    MapUser user = UserOf(a);
    CHECK_EQ(user.map.Count(), 0);
    CHECK_EQ(user.map.UsedUnits(), 0);
    CHECK_EQ(user.map.TryEnter(), kOkOwnerDied);
    CHECK_EQ(user.map.Leave(), kOk);
    user.CheckUnits();
  };
  return scenario;
}

// The same in the middle of a clear.
inline void LeaveDeadClearer(Actor& a) {
  auto* dead = new ArenaMember(a.segment);
  dead->Join();
  Block block;
  CHECK((*dead)->Attach(a.block.offset(), a.block.generation(), &block));
  CHECK(MapUser(block, a.segment).map.TryEnter() >= kOk);
  ControlOf(block).change.Store(kMapClear, std::memory_order_relaxed);
  dead->fd.Reset();
}

}  // namespace multiproc
