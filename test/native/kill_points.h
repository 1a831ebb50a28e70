// KillPoints: a process is killed, or stopped, at its k-th shared write or system call, for every k, while 0, 1 or 3
// others are in the middle of their own operations on the same object.
//
// A scenario says what victim and others do. All its scenes (one for each k and number of others, each with an object
// of its own) run at the same time, since most of them wait for a slice to end. What is measured is slices, not time: a
// busy machine makes a slice longer, but no waiter needs more of them.
#pragma once

#include <algorithm>
#include <atomic>
#include <functional>
#include <list>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "child.h"
#include "pause.h"
#include "ring_messages.h"
#include "short_form.h"
#include "unnamed_segment.h"

namespace multiproc {

inline constexpr uint32_t kMostOthers = 3;
// A wait that the victim's end concerns is over within a second: so many slices.
inline constexpr uint32_t kMostSlices = 4;

// What the processes of a scene tell each other, outside of the library.
struct Board {
  std::atomic<uint32_t> begun{0};    // others that are in their first round
  std::atomic<uint32_t> victim{0};   // its participant number
  std::atomic<uint32_t> phase{0};    // how far the victim got, in words of the scenario
  std::atomic<uint32_t> over{0};     // the victim is dead, or has finished
  std::atomic<uint64_t> rounds{0};   // of all others
  std::atomic<uint64_t> told{0};     // kOkOwnerDied, to others
  std::atomic<uint64_t> kinds[4]{};  // outcomes, in words of the scenario
  std::atomic<uint32_t> slices{0};   // the most that one wait took after the victim's end
  uint64_t counter = 0;              // exclusive: under the lock
  uint64_t owner = 0;                // exclusive: under the lock
  std::atomic<uint64_t> increments{0};
};

// A process of a scene: the victim is number 0, the parent kParent.
struct Actor {
  static constexpr uint32_t kVictim = 0, kParent = 100;

  // Waits as the library does, slice after slice, looking for the dead after each.
  template <typename Attempt>
  Status Await(Attempt attempt) {
    for (uint32_t slices = 1;; slices++) {
      const bool over = board.over.load() != 0;
      const Status status = BlockUntil(member.registry, block.waiters(), spin, kSliceNanos, attempt);
      if (status != kAgain) return status;
      member.ReapAll();
      if (!over) slices = 0;
      uint32_t most = board.slices.load();
      while (slices > most && !board.slices.compare_exchange_weak(most, slices)) {
      }
      CHECK(slices <= kMostSlices);
    }
  }
  // One wait, so short that it is in vain if nobody helps.
  template <typename Attempt>
  Status AwaitBriefly(Attempt attempt) {
    return BlockUntil(member.registry, block.waiters(), spin, 2'000'000, attempt);
  }
  // Lets others come to where they wait for us.
  void Linger() {
    for (uint64_t i = random.Below(20); i > 0 && block.waiters().Count() == 0; i--) sched_yield();
  }
  // The victim acts once all others have come so far.
  void Begun() {
    if (number != kVictim) board.begun.fetch_add(1);
  }
  uint32_t ReapNow() { return member.ReapAll(); }
  void Reached(uint32_t phase) {
    if (number == kVictim) board.phase.store(phase);
  }

  uint32_t number;
  uint32_t others;
  Board& board;
  const ArenaSegment& segment;
  ArenaMember& member;
  Block block;
  Random random;
  SpinBudget spin{false};
  bool killed = false;  // the victim; known to the parent, when it releases
};

struct Outcome {
  bool killed;
  uint32_t others;
};

using Act = std::function<void(Actor&)>;
using Verify = std::function<void(Actor&, const Outcome&)>;

struct Scenario {
  const char* name;
  // Of so many parties besides the victim.
  std::function<BlockRequest(uint32_t others)> request;
  // By the parent, before anybody else is there, and once the victim is over.
  Act prepare, release;
  // By the victim, before points count, and while they do.
  Act before, act;
  // By each other. `again`: as long as the victim lives, and twice more; otherwise once.
  Act round;
  bool again = true;
  // Processes that `before` leaves dead, not yet repaired.
  uint32_t dead = 0;
  Verify verify;
  // May others go on while the victim is stopped just here? Asked by the parent.
  std::function<bool(Actor&)> free_for_others;
};

inline void Nothing(Actor&) {}

class Scene {
 public:
  Scene(const Scenario& scenario, uint64_t k, uint32_t others, bool stop, uint64_t seed)
      : scenario_(scenario), others_(others), creator_(segment_), actor_{Actor::kParent, others, *board_,     segment_,
                                                                         creator_,       {},     Random(seed)} {
    creator_.Join();
    creator_->BecomeCreator();
    actor_.block = creator_->Allocate(scenario.request(others));
    CHECK(actor_.block.offset() != 0);
    scenario_.prepare(actor_);
    for (uint32_t i = 1; i <= others; i++) companions_.emplace_back([&, i] { Accompany(i, seed * 7 + i); });
    victim_.emplace([&, k, stop, seed] { Suffer(k, stop, seed); });
  }

  // Stop mode: true once it has stopped, false if it ended before its point.
  bool AwaitStop() {
    stopped_ = victim_->AwaitStop();
    ended_ = !stopped_;
    return stopped_;
  }
  void BeginPause() {
    free_ = stopped_ && others_ > 0 && scenario_.again && scenario_.free_for_others(actor_);
    before_pause_ = board_->rounds.load();
  }
  // Nobody was told of a death, and who could go on did.
  void EndPause() {
    CHECK(creator_.ReapAll() <= scenario_.dead);
    CHECK_EQ(board_->told.load(), 0);
    CHECK(actor_.block.sync().owner_deaths.Load(std::memory_order_relaxed) <= scenario_.dead);
    while (free_ && board_->rounds.load() == before_pause_) sched_yield();
    if (stopped_) victim_->Continue();
  }
  // True if the victim was killed.
  bool AwaitEnd() {
    const int end = ended_ ? 0 : AwaitVictim();
    board_->over.store(1);
    actor_.killed = end != 0;
    scenario_.release(actor_);
    for (Child& companion : companions_) CHECK_EQ(companion.Wait(), 0);
    creator_.ReapAll();
    CHECK_EQ(creator_.ReapAll(), 0);
    scenario_.verify(actor_, {end != 0, others_});
    CHECK(board_->slices.load() <= kMostSlices);
    CHECK_EQ(segment_.poisoned()->Load(std::memory_order_relaxed), 0);
    // Nobody else uses the block any more: the creator gets its memory back.
    creator_->Detach(actor_.block);
    CHECK_EQ(creator_->CountAlive(), 0);
    return end != 0;
  }
  bool stopped() const { return stopped_; }
  Board& board() { return *board_; }

 private:
  int AwaitVictim() {
    const int end = victim_->Wait();
    if (end != 0) CHECK_EQ(end, -SIGKILL);
    return end;
  }
  Actor Enter(uint32_t number, ArenaMember& member, uint64_t seed) {
    member.Join();
    Actor actor{number, others_, *board_, segment_, member, {}, Random(seed)};
    CHECK(member->Attach(actor_.block.offset(), actor_.block.generation(), &actor.block));
    return actor;
  }
  void Suffer(uint64_t k, bool stop, uint64_t seed) {
    ArenaMember member(segment_);
    Actor actor = Enter(Actor::kVictim, member, seed);
    board_->victim.store(member.self());
    scenario_.before(actor);
    while (board_->begun.load() < others_) sched_yield();
    for (uint64_t i = actor.random.Below(30); i > 0; i--) sched_yield();
    fault::Arm(k, stop);
    scenario_.act(actor);
    fault::Arm(0, false);
  }
  void Accompany(uint32_t number, uint64_t seed) {
    ArenaMember member(segment_);
    Actor actor = Enter(number, member, seed);
    if (scenario_.again) actor.Begun();
    uint32_t more = scenario_.again ? 2 : 0;
    for (uint64_t rounds = 0;;) {
      const bool over = board_->over.load() != 0;
      scenario_.round(actor);
      board_->rounds.fetch_add(1);
      if (!scenario_.again || (over && --more == 0)) break;
      // Hundreds of them run at once: each leaves the processors to the rest. Nothing depends on how long.
      const timespec pause = {0, ++rounds < 100 ? 1'000'000 : 10'000'000};
      nanosleep(&pause, nullptr);
    }
  }

  const Scenario& scenario_;
  const uint32_t others_;
  SharedWithChildren<Board> board_;
  ArenaSegment segment_{8, 4096};
  ArenaMember creator_;
  Actor actor_;
  std::list<Child> companions_;
  std::optional<Child> victim_;
  bool stopped_ = false, ended_ = false, free_ = false;
  uint64_t before_pause_ = 0;
};

// All victims that come to their point are stopped for one and the same time.
inline void Pause(std::list<Scene>& scenes) {
  bool any = false;
  for (Scene& scene : scenes) any = scene.AwaitStop() || any;
  if (!any) return;
  for (Scene& scene : scenes) scene.BeginPause();
  LetAPauseBe();
  for (Scene& scene : scenes) scene.EndPause();
}

// The points of one scenario at which victims were met, beside so many others.
class Points {
 public:
  Points(const Scenario& scenario, uint32_t others, bool stop, uint64_t seed)
      : scenario_(scenario), others_(others), stop_(stop), seed_(seed) {}

  // For k = 1, 2, ... in batches, or one k of so many, until so many victims in a row get by: beside others the way of
  // one is longer than that of another.
  void TryAll(uint64_t step) {
    constexpr uint64_t kBatch = 24, kGotBy = 8;
    for (uint64_t k = 1 + seed_ % step; k <= Last() + kGotBy * step;) {
      std::vector<uint64_t> batch;
      for (; batch.size() < kBatch; k += step) batch.push_back(k);
      tried_.insert(batch.begin(), batch.end());
      Try(batch);
    }
  }
  // Those up to `last` that were tried and not met, so many times anew: then the others may be somewhere else. Of few
  // points several attempts are made at the same time.
  void TryMissing(uint64_t last) {
    constexpr uint64_t kScenes = 48;
    for (uint64_t left = stop_ ? 4 : 24; left > 0 && !Missing(last).empty();) {
      const std::vector<uint64_t> missing = Missing(last);
      const uint64_t attempts = std::clamp<uint64_t>(kScenes / missing.size(), 1, left);
      std::vector<uint64_t> batch;
      for (uint64_t i = 0; i < attempts; i++) batch.insert(batch.end(), missing.begin(), missing.end());
      Try(batch);
      left -= attempts;
    }
  }
  std::vector<uint64_t> Missing(uint64_t last) const {
    std::vector<uint64_t> missing;
    for (const uint64_t k : tried_) {
      if (k <= last && !met_.contains(k)) missing.push_back(k);
    }
    return missing;
  }
  uint64_t Last() const { return met_.empty() ? 0 : *met_.rbegin(); }
  uint64_t count() const { return met_.size(); }
  uint32_t slices() const { return slices_; }

 private:
  void Try(const std::vector<uint64_t>& batch) {
    std::list<Scene> scenes;
    for (const uint64_t k : batch) scenes.emplace_back(scenario_, k, others_, stop_, seed_ * 1000 + ++scenes_);
    if (stop_) Pause(scenes);
    auto k = batch.begin();
    for (Scene& scene : scenes) {
      const bool killed = scene.AwaitEnd();
      CHECK(!(stop_ && killed));
      if (killed || scene.stopped()) met_.insert(*k);
      slices_ = std::max(slices_, scene.board().slices.load());
      ++k;
    }
  }

  const Scenario& scenario_;
  const uint32_t others_;
  const bool stop_;
  const uint64_t seed_;
  std::set<uint64_t> tried_, met_;
  uint64_t scenes_ = 0;
  uint32_t slices_ = 0;
};

// Tries every point that the victim passes alone, and what it passes besides where others are (in the short form one of
// three there, under a sanitizer one of four, other ones each time); those that it never came to beside others (it
// waits, or does not) are printed. Returns how many were met.
inline uint64_t AtEveryPoint(const Scenario& scenario, bool stop, uint64_t seed) {
  Points alone(scenario, 0, stop, seed);
  alone.TryAll(1);
  CHECK(alone.count() > 0);
  // Alone its way is always the same: no point is passed over.
  CHECK_EQ(alone.count(), alone.Last());
  uint64_t total = alone.count();
  uint32_t slices = alone.slices();
  std::string beside, missing;
  for (const uint32_t others : {1u, kMostOthers}) {
    Points points(scenario, others, stop, seed + others);
    // Of few all: one of them can be out of reach.
    points.TryAll(alone.Last() < 16 ? 1 : OneOf(3, 4));
    points.TryMissing(alone.Last());
    CHECK(points.count() > 0);
    total += points.count();
    slices = std::max(slices, points.slices());
    beside += ", " + check::Text(points.count()) + " with " + check::Text(others);
    for (const uint64_t k : points.Missing(alone.Last())) missing += " " + check::Text(k) + "/" + check::Text(others);
  }
  printf("%s: %s at %llu points (%llu alone%s), longest wait %u slices%s%s\n", scenario.name,
         stop ? "stopped" : "killed", static_cast<unsigned long long>(total),
         static_cast<unsigned long long>(alone.count()), beside.c_str(), slices,
         missing.empty() ? "" : ", never met:", missing.c_str());
  return total;
}

}  // namespace multiproc
