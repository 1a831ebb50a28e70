// Maps when others act between any two accesses to shared words, or the user of one dies there: random interleavings of
// one thread.

#include <map>
#include <memory>

#include "interleaving.h"
#include "map_use.h"
#include "short_form.h"

namespace multiproc {
namespace {

constexpr uint32_t kCapacity = 4, kUnits = 14;
constexpr size_t kUsers = 5;
const std::string kKeys[] = {"a", "b", "c", "d", "e"};

// What was ever tried with one key, in order: the lock lets nobody try before the last one has come to an end.
struct Try {
  uint64_t version;  // 0: none
  bool undone = false;
};

class Crowd {
 public:
  explicit Crowd(uint64_t seed) : run_(seed, [this] { Others(); }), creator_(segment_) {
    const Interleaving::Calm calm(run_);
    creator_.Join();
    creator_->BecomeCreator();
    block_ = creator_->Allocate(MapOf(kCapacity, kUnits));
    // The same buckets each time that the seed is the same.
    ControlOf(block_).seed[0] = seed;
    for (const std::string& key : kKeys) tries_[key] = {{0}};
    for (User& user : users_) Enter(user);
  }

  void Act(uint64_t operations) {
    while (operations-- > 0) One();
  }
  // Nobody is in the middle of anything: the dead are found, and all is as it was counted.
  void Rest() {
    const Interleaving::Calm calm(run_);
    creator_.ReapAll();
    MapUser user(block_, segment_);
    uint32_t entries = 0;
    for (const std::string& key : kKeys) {
      Settle(key, user);
      entries += Now(key) != 0;
    }
    CHECK_EQ(user.map.Count(), entries);
    CHECK_EQ(ControlOf(block_).change.Load(std::memory_order_relaxed), kMapWhole);
    CHECK_EQ(segment_.poisoned()->Load(std::memory_order_relaxed), 0);
  }
  void End() {
    Rest();
    const Interleaving::Calm calm(run_);
    MapUser(block_, segment_).CheckUnits();
  }
  uint64_t operations() const { return run_.operations(); }
  uint64_t seen() const { return seen_; }
  uint64_t deaths() const { return deaths_; }

 private:
  struct User {
    std::unique_ptr<ArenaMember> member;
    std::optional<MapUser> map;
    bool busy = false;
  };

  void Enter(User& user) {
    user.member = std::make_unique<ArenaMember>(segment_);
    user.member->Join();
    Block own;
    CHECK((*user.member)->Attach(block_.offset(), block_.generation(), &own));
    user.map.emplace(own, segment_);
    user.busy = false;
  }

  void Others() {
    for (uint64_t i = 1 + run_.random().Below(4); i > 0; i--) One();
  }

  void One() {
    User& user = users_[run_.random().Below(kUsers)];
    if (user.busy) return;
    user.busy = true;
    const uint64_t death = run_.random().Below(12) == 0 ? 1 + run_.random().Below(120) : 0;
    if (Operate(user, death)) {
      user.busy = false;
      return;
    }
    // Its descriptor goes, and with it the kernel's lock: what it had is found by who reaps.
    const Interleaving::Calm calm(run_);
    deaths_++;
    user.member->fd.Reset();
    dead_.push_back(std::move(user.member));
    if (dead_.size() > 3) creator_.ReapAll();
    Enter(user);
  }

  bool Operate(User& user, uint64_t death) {
    const std::string key = kKeys[run_.random().Below(std::size(kKeys))];
    switch (run_.random().Below(16)) {
      case 0:
        return run_.Run("reap", death, [&] { user.member->ReapAll(); });
      case 1:
        return run_.Run("clear", death, [&] { Clear(*user.map); });
      case 2:
      case 3:
        return run_.Run("delete", death, [&] { Change(*user.map, key, 0); });
      case 4:
      case 5:
      case 6:
      case 7:
        return run_.Run("set", death, [&] { Change(*user.map, key, ++version_); });
      case 8:
      case 9:
        return run_.Run("scan", death, [&] { Scan(*user.map); });
      default:
        return run_.Run("get", death, [&] { Get(*user.map, key); });
    }
  }

  // ---- writing

  // By who has the lock: whatever the last owner tried has come about or not, and stays so.
  void Settle(const std::string& key, const MapUser& user) {
    std::vector<Try>& tries = tries_[key];
    if (settled_[key] + 1 == tries.size()) return;
    const Interleaving::Calm calm(run_);
    const std::optional<std::string> text = user.Value(key);
    const uint64_t found = text.has_value() ? VersionOf(key, *text) : 0;
    run_.Require(found == tries.back().version || found == Now(key), "a try is done or not done");
    if (found != tries.back().version) tries.back().undone = true;
    settled_[key] = tries.size() - 1;
  }
  // The version that stays if the last try is undone.
  uint64_t Now(const std::string& key) {
    const std::vector<Try>& tries = tries_[key];
    size_t at = settled_[key];
    while (tries[at].undone) at--;
    return tries[at].version;
  }

  bool Entered(MapUser& user) {
    const Status entered = user.map.TryEnter();
    run_.Require(entered == kOk || entered == kOkOwnerDied || entered == kAgain, "the lock is free or is not");
    if (entered < 0) return false;
    for (const std::string& key : kKeys) Settle(key, user);
    return true;
  }

  void Change(MapUser& user, const std::string& key, uint64_t version) {
    if (!Entered(user)) return;
    const bool was = Now(key) != 0;
    tries_[key].push_back({version});
    const Status status = version == 0 ? user.Remove(key) : user.Put(key, TextOf(key, version, version % 5 * 30));
    if (version == 0) {
      run_.Require(status == (was ? kOk : kAbsent), "what is there can be removed");
    } else {
      run_.Require(status == kOk || status == kFull, "there is room or not");
      if (status == kFull) tries_[key].back().undone = true;
    }
    settled_[key] = tries_[key].size() - 1;
    user.map.Leave();
  }

  void Clear(MapUser& user) {
    if (!Entered(user)) return;
    for (const std::string& key : kKeys) tries_[key].push_back({0});
    user.map.Clear();
    for (const std::string& key : kKeys) settled_[key] = tries_[key].size() - 1;
    user.map.Leave();
  }

  // ---- reading

  // Where the tries of a key were when a look began.
  std::map<std::string, size_t> Mark() const { return settled_; }
  // Has the key had that version since?
  void Saw(std::map<std::string, size_t>& since, const std::string& key, uint64_t version) {
    const std::vector<Try>& tries = tries_[key];
    bool had = false;
    size_t first = since[key];
    while (tries[first].undone) first--;
    for (size_t i = first; i < tries.size(); i++) had |= tries[i].version == version && !tries[i].undone;
    run_.Require(had, "what is read was there at some time during the look");
    seen_++;
  }

  void Get(const MapUser& user, const std::string& key) {
    std::map<std::string, size_t> since = Mark();
    std::string text;
    const Status status = user.Get(key, &text);
    if (status == kAgain) return;
    run_.Require(status == kOk || status == kAbsent, "it is there or not");
    Saw(since, key, status == kOk ? VersionOf(key, text) : 0);
  }

  void Scan(const MapUser& user) {
    std::map<std::string, size_t> since = Mark();
    std::map<std::string, uint64_t> found;
    const Status status = user.ForEach([&](const std::string& key, const std::string& text) {
      run_.Require(found.emplace(key, VersionOf(key, text)).second, "no key comes twice");
    });
    if (status == kAgain) return;
    run_.Require(status == kOk, "all can be read");
    for (const std::string& key : kKeys) Saw(since, key, found.contains(key) ? found[key] : 0);
  }

  Interleaving run_;
  ArenaSegment segment_{32, 8192};
  ArenaMember creator_;
  Block block_;
  User users_[kUsers];
  std::vector<std::unique_ptr<ArenaMember>> dead_;
  std::map<std::string, std::vector<Try>> tries_;
  std::map<std::string, size_t> settled_;
  uint64_t version_ = 0, seen_ = 0, deaths_ = 0;
};

uint64_t Setting(const char* name, uint64_t usual) {
  const char* wanted = getenv(name);
  return wanted != nullptr ? strtoull(wanted, nullptr, 10) : usual;
}

// NATIVE_TEST_SEED: the first seed; NATIVE_TEST_STEPS: operations in all.
TEST(random_interleavings_with_deaths) {
  const uint64_t steps = Setting("NATIVE_TEST_STEPS", kSanitized ? 250'000 : 1'000'000);
  uint64_t seed = Setting("NATIVE_TEST_SEED", 1), seen = 0, deaths = 0;
  for (uint64_t done = 0; done < steps; seed++) {
    Crowd crowd(seed);
    for (int phase = 0; phase < 4; phase++) {
      crowd.Act(300);
      crowd.Rest();
    }
    crowd.End();
    done += crowd.operations();
    seen += crowd.seen();
    deaths += crowd.deaths();
  }
  printf("maps: %llu looks, %llu deaths\n", static_cast<unsigned long long>(seen),
         static_cast<unsigned long long>(deaths));
  CHECK(seen > steps / 10 && deaths > 0);
}

// A reader is interrupted at each of its accesses by as much change as there can be, and more of it than it has tries.
TEST(a_reader_gives_up_on_what_changes_whenever_it_looks) {
  for (const bool always : {false, true}) {
    for (uint64_t k = 1;; k++) {
      ArenaSegment segment;
      ArenaMember writer(segment), reader(segment);
      writer.Join();
      writer->BecomeCreator();
      reader.Join();
      const Block block = writer->Allocate(MapOf(1, 8));
      Block own;
      CHECK(reader->Attach(block.offset(), block.generation(), &own));
      MapUser writes(block, segment), reads(own, segment);
      uint64_t version = 1;
      CHECK_EQ(writes.Set("a", TextOf("a", version, 100)), kOk);
      const auto change = [&] {
        // Back in the units that it was in.
        for (int i = 0; i < 2; i++) {
          version++;
          CHECK_EQ(writes.Set("a", TextOf("a", version, 100)), kOk);
        }
      };
      std::string text;
      Status status = kOk;
      uint64_t points = 0;
      bool busy = false;
      at_point = [&] {
        if (busy || (always ? ++points % k != 0 : ++points != k)) return;
        busy = true;
        change();
        busy = false;
      };
      status = reads.Get("a", &text);
      at_point = nullptr;
      if (status == kOk) CHECK(VersionOf("a", text) >= 1);
      CHECK(status == kOk || (always && status == kAgain));
      if (always && k == 1) CHECK_EQ(status, kAgain);
      if (points < k) break;
    }
  }
}

// While a reader stands anywhere, a writer takes the entry before the wanted one out of the list, and dies anywhere in
// it.
TEST(a_reader_is_not_led_astray_by_what_a_dying_writer_takes_out) {
  struct Death {};
  uint64_t deaths = 0;
  for (uint64_t k = 1, reached = 1; reached != 0; k++) {
    reached = 0;
    for (uint64_t death = 1, died = 1; died != 0; death++) {
      died = 0;
      ArenaSegment segment;
      ArenaMember writer(segment), reader(segment);
      writer.Join();
      writer->BecomeCreator();
      reader.Join();
      const Block block = writer->Allocate(MapOf(2, 8));
      Block own;
      CHECK(reader->Attach(block.offset(), block.generation(), &own));
      // Both in one bucket.
      MapControl& control = ControlOf(block);
      while ((MapHash(control.seed, "a", 1) & 1) != (MapHash(control.seed, "b", 1) & 1)) control.seed[0]++;
      MapUser writes(block, segment), reads(own, segment);
      CHECK_EQ(writes.Set("b", TextOf("b", 2, 20)), kOk);
      CHECK_EQ(writes.Set("a", TextOf("a", 1, 20)), kOk);
      uint64_t points = 0, inner = 0;
      bool inside = false;
      at_point = [&] {
        if (inside) {
          if (++inner == death) throw Death{};
          return;
        }
        if (++points != k) return;
        reached++;
        inside = true;
        try {
          writes.Delete("a");
        } catch (const Death&) {
          died++;
          deaths++;
        }
        // Nobody else acts any more.
        points = k;
        inside = false;
      };
      std::string text;
      const Status status = reads.Get("b", &text);
      at_point = nullptr;
      CHECK_EQ(status, kOk);
      CHECK_EQ(VersionOf("b", text), 2);
    }
  }
  CHECK(deaths > 0);
}

}  // namespace
}  // namespace multiproc
