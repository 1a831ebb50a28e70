// Two at one name, both held in the middle: one that removes what nobody uses, or leaves as the last, and one that
// takes the name or opens it. Whichever goes on first, what is in use keeps its name, and a name that is being removed
// is waited for, for a second.

#include <list>
#include <optional>

#include "child.h"
#include "named_segment.h"
#include "ring_messages.h"
#include "short_form.h"

namespace multiproc {
namespace {

// What has the name when both begin.
enum class Before { kOrphan, kUsed, kRemovers };
enum class Taking { kPublish, kOpen };

struct Pair {
  Before before;
  // By the one who removes. `own`: what it uses, if it had the name.
  void (*remove)(const std::string& name, Opened& own);
  Taking taking;
};

void Remove(const std::string& name, Opened&) { RemoveIfOrphan(RunName(name)); }
void OpenAndLeave(const std::string& name, Opened&) {
  Failure failure;
  Opened opened = TryOpen(name, &failure);
  if (opened.segment != nullptr) opened.Leave();
}
void Leave(const std::string&, Opened& own) { own.Leave(); }

const Pair kPairs[] = {
    {Before::kOrphan, Remove, Taking::kPublish},       {Before::kOrphan, Remove, Taking::kOpen},
    {Before::kOrphan, OpenAndLeave, Taking::kPublish}, {Before::kOrphan, OpenAndLeave, Taking::kOpen},
    {Before::kRemovers, Leave, Taking::kPublish},      {Before::kRemovers, Leave, Taking::kOpen},
    {Before::kUsed, Remove, Taking::kPublish},         {Before::kUsed, Remove, Taking::kOpen},
};

struct Board {
  std::atomic<bool> has{false};        // the taker got it
  std::atomic<bool> timed_out{false};  // and otherwise
};

class Scene {
 public:
  // The remover is held at point k, then the taker at point j.
  Scene(const Pair& pair, uint64_t k, uint64_t j)
      : pair_(pair), name_(check::Text(&pair - kPairs) + "." + check::Text(k) + "." + check::Text(j)), taker_at_(j) {
    if (pair.before != Before::kRemovers) ours_ = Published(name_, ArenaParameters());
    // Closed without leaving, as a kill does.
    if (pair.before == Before::kOrphan) ours_ = {};
    remover_.emplace([&, k] {
      Opened own;
      if (pair.before == Before::kRemovers) own = Published(name_, ArenaParameters());
      fault::Arm(k, true);
      pair.remove(name_, own);
      fault::Arm(0, false);
    });
    remover_held_ = remover_->AwaitStop();
  }

  void BeginTaking() {
    taker_.emplace([this] { Take(); });
  }
  void AwaitTaker() { taker_held_ = taker_->AwaitStop(); }
  bool wants_an_orphans_name() const { return pair_.before == Before::kOrphan && pair_.taking == Taking::kPublish; }
  bool remover_held() const { return remover_held_; }
  bool taker_held() const { return taker_held_; }
  const Board& board() const { return *board_; }

  void RemoverGoesOn() {
    if (!remover_held_) return;
    remover_->Continue();
    CHECK_EQ(remover_->Wait(), 0);
  }
  void TakerGoesOn() {
    if (taker_held_) taker_->Continue();
  }
  void AwaitTaken() {
    if (taker_held_) taken_.Pass();
  }
  // Both have done what they wanted.
  void Verify() {
    if (taker_held_) {
      look_.Open();
      CHECK_EQ(taker_->Wait(), 0);
    }
    if (ours_.segment != nullptr) {
      CHECK(ours_.segment->NamesUs());
      CHECK(ours_.Leave());
    }
    CHECK(RemoveIfOrphan(RunName(name_)));
  }

 private:
  void Take() {
    Failure failure;
    Opened mine;
    if (pair_.taking == Taking::kPublish) mine = Make(name_, ArenaParameters());
    fault::Arm(taker_at_, true);
    if (pair_.taking == Taking::kPublish)
      board_->has = mine.segment->Publish(&failure);
    else
      board_->has = (mine = TryOpen(name_, &failure)).segment != nullptr;
    // Those that were not held have seen nothing new.
    const bool was_held = fault::Count() >= taker_at_;
    fault::Arm(0, false);
    const std::string code = board_->has ? "" : failure.code;
    board_->timed_out = code == "TIMEOUT";
    if (pair_.taking == Taking::kOpen) CHECK(board_->has || code == "NOT_FOUND");
    // What nobody uses is no reason to refuse a name.
    if (pair_.taking == Taking::kPublish && pair_.before == Before::kOrphan) CHECK(board_->has || code == "TIMEOUT");
    if (pair_.before == Before::kUsed) CHECK(pair_.taking == Taking::kOpen ? board_->has.load() : code == "EXISTS");
    if (was_held) {
      taken_.Open();
      look_.Pass();
    }
    // Nobody takes away what is used, whatever he had found out before.
    if (board_->has) {
      CHECK(mine.segment->NamesUs());
      Opened second = TryOpen(name_, &failure);
      CHECK(second.segment != nullptr && second.segment->IsSameFile(*mine.segment));
      second.Leave();
    }
    if (mine.segment != nullptr) mine.Leave();
  }

  const Pair& pair_;
  const std::string name_;
  const uint64_t taker_at_;
  SharedWithChildren<Board> board_;
  Gate taken_, look_;
  Opened ours_;
  std::optional<Child> remover_, taker_;
  bool remover_held_ = false, taker_held_ = false;
};

// A taker that waits for a stopped one passes points all the time.
constexpr uint64_t kMostPoints = 40;

struct Figures {
  uint64_t held = 0, waited = 0;
};

// Held at every point of the remover, and of the taker at one of `step`.
void Hold(std::list<Scene>& scenes, const Pair& pair, uint64_t seed, uint64_t step) {
  bool more = true;
  for (uint64_t k = 1; more; k++) {
    for (uint64_t j = 1 + (seed + k) % step; j <= kMostPoints; j += step) {
      more = scenes.emplace_back(pair, k, j).remover_held();
      if (!more) break;
    }
  }
}

void GoOn(std::list<Scene>& scenes, bool remover_first, Figures& figures) {
  for (Scene& scene : scenes) scene.BeginTaking();
  for (Scene& scene : scenes) scene.AwaitTaker();
  if (remover_first) {
    for (Scene& scene : scenes) scene.RemoverGoesOn();
  }
  for (Scene& scene : scenes) scene.TakerGoesOn();
  for (Scene& scene : scenes) scene.AwaitTaken();
  for (Scene& scene : scenes) {
    if (!remover_first) scene.RemoverGoesOn();
    const bool both = scene.remover_held() && scene.taker_held();
    figures.held += both ? 1 : 0;
    figures.waited += both && scene.board().timed_out ? 1 : 0;
    // It was there to see the name become free.
    if (both && remover_first && scene.wants_an_orphans_name()) CHECK(scene.board().has);
    scene.Verify();
  }
  CHECK(LeftOvers().empty());
}

TEST(what_is_used_keeps_its_name_when_a_held_remover_goes_on_first) {
  const uint64_t seed = FreshSeed();
  uint64_t total = 0;
  for (const Pair& pair : kPairs) {
    std::list<Scene> scenes;
    Figures figures;
    Hold(scenes, pair, seed, IsLengthened() ? 1 : 8);
    GoOn(scenes, true, figures);
    CHECK(figures.held > 0);
    CHECK_EQ(figures.waited, 0);
    total += figures.held;
  }
  printf("pairs at one name: %llu stop points\n", static_cast<unsigned long long>(total));
}

TEST(what_is_used_keeps_its_name_when_a_held_remover_goes_on_last) {
  const uint64_t seed = FreshSeed();
  // Together: many wait for a second.
  std::list<Scene> scenes;
  Figures figures;
  for (const Pair& pair : kPairs) Hold(scenes, pair, seed, IsLengthened() ? 4 : 20);
  GoOn(scenes, false, figures);
  printf("pairs at one name, of which %llu wanted it in vain: %llu stop points\n",
         static_cast<unsigned long long>(figures.waited), static_cast<unsigned long long>(figures.held));
  CHECK(figures.waited > 0);
}

// A process that is held while it has the orphan in its hands, so that nobody else can remove it.
Child HeldRemover(const std::string& name) {
  for (uint64_t k = 1;;) {
    Published(name, ArenaParameters());  // and closed without leaving
    Child remover([&] {
      fault::Arm(k, true);
      RemoveIfOrphan(RunName(name));
    });
    // Another program that starts may have removed it before.
    if (!remover.AwaitStop()) continue;
    if (TryRemoveOrphan(RunName(name)) == Removal::kUnsettled) return remover;
    // It had not got it yet, but now we have.
    remover.Kill();
    CHECK_EQ(remover.Wait(), -SIGKILL);
    k++;
  }
}

TEST(a_name_that_a_stopped_process_is_removing_is_refused_with_the_reason) {
  Child remover = HeldRemover("held");
  Opened made = Make("held", ArenaParameters());
  Failure failure;
  CHECK(!made.segment->Publish(&failure));
  CHECK_EQ(std::string(failure.code), "TIMEOUT");
  CHECK(failure.reason.find("removing it has not gone on") != std::string::npos);
  std::string reason;
  CHECK_EQ(Refusal("held", &reason), "NOT_FOUND");
  CHECK(reason.find("being removed") != std::string::npos);
  // Nothing was taken from it, and nothing is taken by it.
  remover.Continue();
  CHECK_EQ(remover.Wait(), 0);
  CHECK(made.segment->Publish(&failure));
  CHECK(made.segment->NamesUs());
  CHECK(made.Leave());
}

}  // namespace
}  // namespace multiproc
