// Segments whose user is killed, or stopped, at every shared write and system call of making, opening, leaving,
// unlinking and sweeping, while 0, 1 or 3 others do such things with the same name.

#include <time.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <list>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "child.h"
#include "core/sweep.h"
#include "named_segment.h"
#include "pause.h"
#include "ring_messages.h"
#include "short_form.h"

namespace multiproc {
namespace {

constexpr uint64_t kContent = 0x600dc0ffee;

// What there is under the name when the victim begins.
enum class Before { kNothing, kOrphan, kUsed };

struct Place {
  std::string name;
  bool queue;
  bool kept;  // somebody uses what is there, from beginning to end
};
using Act = std::function<void(const Place&)>;

struct Scenario {
  const char* name;
  bool queue;
  Before before;
  Act act;
  bool unlinks = false, sweeps = false;
};

SegmentParameters ParametersOf(const Place& place) { return place.queue ? QueueParameters() : ArenaParameters(); }

// Something to recognise a whole object by, put in before it gets its name.
void Fill(Opened& made, const Place& place) {
  if (place.queue) {
    Claim claim;
    CHECK_EQ(made.ring().TryReserve(sizeof kContent, &claim), kOk);
    memcpy(claim.bytes, &kContent, sizeof kContent);
    CHECK_EQ(made.ring().Commit(claim.position, sizeof kContent, 0), kOk);
    return;
  }
  made.arena().BecomeCreator();
  BlockRequest request;
  request.kind = ObjectKind::kValue;
  request.data_bytes = sizeof kContent;
  const Block block = made.arena().Allocate(request);
  CHECK(block.offset() != 0);
  memcpy(block.data(), &kContent, sizeof kContent);
}

void CheckWhole(Opened& opened, const Place& place) {
  if (place.queue) {
    CHECK_EQ(opened.ring().Size(), 1);
    return;
  }
  Block block;
  CHECK(opened.arena().AttachFirst(&block));
  uint64_t content;
  memcpy(&content, block.data(), sizeof content);
  CHECK_EQ(content, kContent);
}

// False if the name was taken.
bool TryMake(const Place& place, Opened* made) {
  *made = Make(place.name, ParametersOf(place));
  Fill(*made, place);
  Failure failure;
  if (made->segment->Publish(&failure)) return true;
  const std::string code = failure.code;
  // The victim may be stopped for longer than anybody waits while it removes what nobody uses.
  CHECK(code == "EXISTS" || (code == "TIMEOUT" && !place.kept));
  made->Leave();
  return false;
}

// Opens and looks: a whole object, or none. True if there was one.
bool OpenWhole(const Place& place, Opened* opened) {
  Failure failure;
  *opened = TryOpen(place.name, &failure);
  if (opened->segment == nullptr) {
    CHECK_EQ(std::string(failure.code), "NOT_FOUND");
    return false;
  }
  CheckWhole(*opened, place);
  return true;
}

void MakeAndLeave(const Place& place) {
  Opened made;
  if (TryMake(place, &made)) made.Leave();
}
void OpenAndLeave(const Place& place) {
  Opened opened;
  if (OpenWhole(place, &opened)) opened.Leave();
}
void OpenAndUnlink(const Place& place) {
  Opened opened;
  if (!OpenWhole(place, &opened)) return;
  Failure failure;
  opened.segment->Unlink(&failure);
  CheckWhole(opened, place);
  opened.Leave();
}
void Remove(const Place& place) { RemoveIfOrphan(RunName(place.name)); }
void Sweep(const Place&) { SweepOrphans(); }

struct Board {
  std::atomic<uint32_t> begun{0}, over{0};
};

class Scene {
 public:
  Scene(const Scenario& scenario, uint64_t k, uint32_t others, bool stop, uint64_t seed)
      : scenario_(scenario),
        // No two of a batch have the same, nor one that another begins with.
        place_{"at" + check::Text(1000 + seed % 1000) + "." + check::Text(k) + "." + check::Text(others),
               scenario.queue, scenario.before == Before::kUsed && !scenario.unlinks} {
    if (scenario.before != Before::kNothing) CHECK(TryMake(place_, &ours_));
    // Closed without leaving, as a kill does.
    if (scenario.before == Before::kOrphan) ours_ = {};
    for (uint32_t i = 1; i <= others; i++) others_.emplace_back([&, i] { Accompany(seed * 7 + i); });
    victim_.emplace([&, k, others, stop] {
      while (board_->begun.load() < others) sched_yield();
      fault::Arm(k, stop);
      scenario.act(place_);
      fault::Arm(0, false);
    });
  }

  bool AwaitStop() { return stopped_ = victim_->AwaitStop(), ended_ = !stopped_, stopped_; }
  bool stopped() const { return stopped_; }
  // What is used stays usable, and nobody has to wait for the stopped one but who wants what it is removing.
  void CheckInPause() {
    CheckUsed();
    if (others_.empty() && scenario_.before != Before::kUsed) looker_.emplace([&] { OpenAndLeave(place_); });
  }
  void Continue() {
    if (looker_) CHECK_EQ(looker_->Wait(), 0);
    if (stopped_) victim_->Continue();
  }
  // True if the victim was killed.
  bool AwaitEnd() {
    const int end = ended_ ? 0 : victim_->Wait();
    if (end != 0) CHECK_EQ(end, -SIGKILL);
    board_->over.store(1);
    for (Child& other : others_) CHECK_EQ(other.Wait(), 0);
    CheckUsed();
    if (ours_.segment != nullptr) ours_.Leave();
    return end != 0;
  }
  // After a sweep.
  void CheckGone() {
    CHECK_EQ(FilesWithPrefix(FileOf(RunName(place_.name))).size(), 0);
    CHECK_EQ(Refusal(place_.name), "NOT_FOUND");
    Opened again;
    CHECK(TryMake(place_, &again));
    CheckWhole(again, place_);
    CHECK(again.Leave());
  }

 private:
  void CheckUsed() {
    if (ours_.segment == nullptr) return;
    CheckWhole(ours_, place_);
    if (scenario_.unlinks) return;
    CHECK(ours_.segment->NamesUs());
    Opened second;
    CHECK(OpenWhole(place_, &second));
    second.Leave();
  }
  void Accompany(uint64_t seed) {
    Random random(seed);
    board_->begun.fetch_add(1);
    // What nobody uses is gone once somebody has looked at it: at times the victim comes first.
    if (scenario_.before == Before::kOrphan) {
      for (uint64_t i = random.Below(4) * random.Below(500); i > 0; i--) sched_yield();
    }
    uint64_t rounds = 0;
    for (int more = 2; more > 0; more -= board_->over.load() != 0 ? 1 : 0) {
      const uint64_t what = random.Below(4);
      if (what == 0) MakeAndLeave(place_);
      if (what == 1) Remove(place_);
      if (what >= 2) {
        Opened opened;
        const bool found = OpenWhole(place_, &opened);
        // What somebody uses can be opened at any moment.
        if (scenario_.before == Before::kUsed && !scenario_.unlinks) CHECK(found);
        Failure failure;
        if (found && scenario_.unlinks && what == 3) opened.segment->Unlink(&failure);
        if (found) opened.Leave();
      }
      const timespec pause = {0, ++rounds < 20 ? 500'000 : 20'000'000};
      nanosleep(&pause, nullptr);  // leaves the processors to the other scenes; nothing depends on how long
    }
  }

  const Scenario& scenario_;
  const Place place_;
  Opened ours_;
  SharedWithChildren<Board> board_;
  std::list<Child> others_;
  std::optional<Child> victim_, looker_;
  bool stopped_ = false, ended_ = false;
};

// The points k of one batch, from `first` on. Formatting a queue is two thousand equal writes to a file that nobody
// sees, of which the first ones stand for the rest, unless the test is lengthened.
constexpr uint64_t kStep = 500;
uint64_t Next(uint64_t k, const Scenario& scenario) {
  const bool formats = scenario.queue && scenario.before == Before::kNothing && !IsLengthened();
  return k + (formats && k >= 40 && k < 2040 ? std::min<uint64_t>(kStep, 2040 - k) : 1);
}

// The points of one scenario at which victims were met, beside so many others.
class Points {
 public:
  Points(const Scenario& scenario, uint32_t others, bool stop, uint64_t seed)
      : scenario_(scenario), others_(others), stop_(stop), seed_(seed) {}

  // Every point, or where a stride is given one of so many, until so many in a row got by: beside others the way of one
  // is longer than that of another.
  void TryAll(uint64_t stride) {
    constexpr uint64_t kGotBy = 12;
    uint64_t got_by = 0;
    for (uint64_t k = 1; got_by < kGotBy;) {
      std::vector<uint64_t> batch;
      for (uint64_t i = 0; i < Most(); i++) {
        batch.push_back(k);
        tried_.insert(k);
        // The first is passed by those too who come too late for what they want.
        const uint64_t steps = k == 1 ? 1 + seed_ % stride : stride;
        for (uint64_t step = 0; step < steps; step++) k = Next(k, scenario_);
      }
      Try(batch);
      got_by = 0;
      for (auto last = batch.rbegin(); last != batch.rend() && !met_.contains(*last); ++last) got_by++;
    }
  }
  // Those of `wanted` that were tried and not met, so many times anew: then the others may be somewhere else. Of few
  // points several attempts are made at the same time.
  void TryMissing(const std::set<uint64_t>& wanted) {
    for (uint64_t left = stop_ ? 3 : 12; left > 0 && !Missing(wanted).empty();) {
      std::vector<uint64_t> missing = Missing(wanted);
      const uint64_t attempts = std::clamp<uint64_t>(Most() / missing.size(), 1, left);
      if (missing.size() > Most()) missing.resize(Most());
      std::vector<uint64_t> batch;
      for (uint64_t i = 0; i < attempts; i++) batch.insert(batch.end(), missing.begin(), missing.end());
      Try(batch);
      left -= attempts;
    }
  }
  std::vector<uint64_t> Missing(const std::set<uint64_t>& wanted) const {
    std::vector<uint64_t> missing;
    for (const uint64_t k : wanted) {
      if (tried_.contains(k) && !met_.contains(k)) missing.push_back(k);
    }
    return missing;
  }
  const std::set<uint64_t>& met() const { return met_; }

 private:
  // Scenes at a time. A sweep looks at the files of all of them; but the time that stops take, they take together.
  uint64_t Most() const { return !scenario_.sweeps ? 48 : stop_ ? 40 : 16; }
  void Try(const std::vector<uint64_t>& batch) {
    std::list<Scene> scenes;
    for (const uint64_t k : batch) scenes.emplace_back(scenario_, k, others_, stop_, seed_ * 1000 + ++scenes_);
    if (stop_) {
      for (Scene& scene : scenes) scene.AwaitStop();
      LetAPauseBe();
      for (Scene& scene : scenes) scene.CheckInPause();
      for (Scene& scene : scenes) scene.Continue();
    }
    auto k = batch.begin();
    for (Scene& scene : scenes) {
      const bool killed = scene.AwaitEnd();
      CHECK(!(stop_ && killed));
      if (killed || scene.stopped()) met_.insert(*k);
      ++k;
    }
    SweepOrphans();
    for (Scene& scene : scenes) scene.CheckGone();
  }

  const Scenario& scenario_;
  const uint32_t others_;
  const bool stop_;
  const uint64_t seed_;
  std::set<uint64_t> met_, tried_;
  uint64_t scenes_ = 0;
};

uint64_t AtEveryPoint(const Scenario& scenario, bool stop, uint64_t seed) {
  const bool longer = IsLengthened();
  Points alone(scenario, 0, stop, seed);
  alone.TryAll(1);
  CHECK(!alone.met().empty());
  uint64_t total = alone.met().size();
  std::string beside, missing;
  for (const uint32_t others : {1u, 3u}) {
    // Where forking is slow, the four processes of hundreds of scenes take longer than a test may.
    if (others == 3 && kSanitized && !longer) continue;
    Points points(scenario, others, stop, seed);
    points.TryAll(OneOf(3, 3));
    if (!kSanitized || longer) points.TryMissing(alone.met());
    CHECK(!points.met().empty());
    total += points.met().size();
    beside += ", " + check::Text(points.met().size()) + " with " + check::Text(others);
    const size_t left = points.Missing(alone.met()).size();
    if (left > 0) missing += ", " + check::Text(left) + " never met with " + check::Text(others);
  }
  printf("%s: %s at %llu points (%llu alone%s%s)\n", scenario.name, stop ? "stopped" : "killed",
         static_cast<unsigned long long>(total), static_cast<unsigned long long>(alone.met().size()), beside.c_str(),
         missing.c_str());
  return total;
}

void Everywhere(const std::vector<Scenario>& scenarios, bool stop) {
  const uint64_t seed = FreshSeed();
  uint64_t points = 0;
  for (const Scenario& scenario : scenarios) points += AtEveryPoint(scenario, stop, seed);
  printf("segments: %llu %s points\n", static_cast<unsigned long long>(points), stop ? "stop" : "kill");
}

const std::vector<Scenario> kMaking = {
    {"arena, made and left", false, Before::kNothing, MakeAndLeave},
    {"queue, made and left", true, Before::kNothing, MakeAndLeave},
    {"arena, made over an orphan", false, Before::kOrphan, MakeAndLeave},
};
const std::vector<Scenario> kOpening = {
    {"arena, orphan opened", false, Before::kOrphan, OpenAndLeave},
    {"arena, used, opened and left", false, Before::kUsed, OpenAndLeave},
    {"queue, used, opened and left", true, Before::kUsed, OpenAndLeave},
};
const std::vector<Scenario> kUnlinking = {
    {"queue, used, unlinked", true, Before::kUsed, OpenAndUnlink, true},
    {"arena, used, unlinked", false, Before::kUsed, OpenAndUnlink, true},
};
const std::vector<Scenario> kRemoving = {
    {"arena, orphan removed", false, Before::kOrphan, Remove},
    {"queue, orphan swept", true, Before::kOrphan, Sweep, false, true},
    {"arena, used, swept over", false, Before::kUsed, Sweep, false, true},
};

TEST(a_name_is_whole_or_gone_at_whatever_point_its_maker_dies) { Everywhere(kMaking, false); }
TEST(a_name_stays_usable_at_whatever_point_a_user_dies) { Everywhere(kOpening, false); }
TEST(an_unlinked_segment_stays_usable_at_whatever_point_a_user_dies) { Everywhere(kUnlinking, false); }
TEST(what_a_dead_remover_leaves_the_next_sweep_removes) { Everywhere(kRemoving, false); }
TEST(a_stopped_maker_is_in_nobodys_way) { Everywhere(kMaking, true); }
TEST(a_stopped_user_is_in_nobodys_way) { Everywhere(kOpening, true); }
TEST(a_stopped_unlinker_is_in_nobodys_way) { Everywhere(kUnlinking, true); }
TEST(a_stopped_remover_removes_nothing_that_is_used) { Everywhere(kRemoving, true); }

}  // namespace
}  // namespace multiproc
