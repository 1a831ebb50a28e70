// RingStops: a process at work on a ring is stopped at a point, beside others in the middle of operations of their own.
// They go on: each ends an operation within a second, unless it needs room that the stopped one holds, and then that
// one is named. When it continues, it finishes as if nothing had happened.
#pragma once

#include <list>

#include "named_segment.h"
#include "pause.h"
#include "ring_others.h"
#include "short_form.h"

namespace multiproc {

struct StopFigures {
  uint64_t points = 0, held_room = 0;   // stops; of them with a record in hand
  uint64_t went_on = 0, held_back = 0;  // looks at each other: it ended an operation; it needs what the stopped one has
  int64_t longest = 0;
};

// Leaves the processors to the others; nothing depends on how long.
inline void Nap() {
  const timespec nap = {0, 200'000};
  nanosleep(&nap, nullptr);
}

// One stopped process and those beside it, with a ring of their own, so that many can be stopped at the same time.
class Stopped {
 public:
  // Tries after the first (n) go as in the crash test: we wait again after every wake, and every other time the others
  // stay in the middle of their operations until the victim waits.
  Stopped(const Scenario& scenario, uint64_t k, uint32_t count, const std::string& name, uint64_t seed, uint64_t n)
      : scenario_(scenario),
        visible_(Published(name, QueueParameters())),
        segment_(scenario.shape),
        me_(segment_),
        actor_(segment_, me_, *ledger_, Ledger::kMe) {
    segment_.set_uuid(visible_.segment->uuid());
    me_.Join();
    for (uint64_t i = 0; i < scenario.before; i++) CHECK(actor_.TryPut(i * 30));
    Wait();
    victim_.emplace(scenario, segment_, *ledger_, k, true);
    // Otherwise one of the others gets it.
    in_its_slot_ = scenario.repairs || segment_.slots()[kVictimSlot].state.Load(std::memory_order_seq_cst) == kSlotLive;
    if (n % 2 == 1) ledger_->hold.store(1);
    // At rest most of the time: there are hundreds of them.
    others_.emplace(segment_, *ledger_, RolesOf(scenario, count), seed, Others::Pace{.brisk = 20, .nanos = 10'000'000});
    victim_->Go();
    while (n > 0 && !victim_->child().HasChanged()) {
      Wait();
      if (IsWaiting(segment_) && !scenario.gives_up) others_->LetGo();
      Nap();
    }
    stopped_ = victim_->child().AwaitStop();
    others_->LetGo();
    for (size_t i = 0; i < count; i++) before_.push_back(ended(i));
  }

  bool stopped() const { return stopped_; }

  // A look at the others begins: each is to end an operation from the stop on, or from the last look.
  void BeginLook() {
    if (HoldsRoom() && !scenario_.repairs) CheckName();
    looks_.clear();
    for (size_t i = 0; i < others_->count(); i++) {
      looks_.push_back({RunDelay(others_->pid(i)), MachineNanos(), 0, ours_.Nanos()});
      looks_.back().delay = looks_.back().theirs.Nanos();
    }
  }
  // True once each has done so, or needs what the stopped one has.
  bool OthersGoOn(StopFigures& figures) {
    bool all = true;
    for (size_t i = 0; i < looks_.size(); i++) {
      Look& look = looks_[i];
      const size_t number = Ledger::kFirstOther + i;
      if (look.over) continue;
      const int64_t fair = look.Fair(ours_);
      const bool went_on = ended(i) > before_[i] || gone(i);
      // A wait for room that comes only when the stopped one goes on, of somebody who has looked for the dead; or for a
      // message that nobody has room for. What lies there can be got.
      const bool held_back = HoldsRoom() && ledger_->doing[number] == Ledger::kWaiting && fair > kSliceNanos &&
                             (ledger_->waits_for[number] == Ring::kSpace || me_->Size() == 0);
      look.over = went_on || held_back;
      all = all && look.over;
      if (!held_back) {
        CHECK(fair < Actor::kPromise);
        figures.longest = std::max(figures.longest, fair);
      }
      if (!look.over) continue;
      (went_on ? figures.went_on : figures.held_back)++;
      before_[i] = ended(i);
    }
    if (!all) Help();
    return all;
  }
  void IsNotDead(StopFigures& figures) {
    const uint32_t dead = me_.ReapAll();
    // A reaper that is stopped keeps what it has begun to repair, and nothing else.
    CHECK(dead == 0 || (scenario_.repairs && dead == 1 && !HoldsRoom()));
    CHECK(!victim_->child().HasChanged());
    figures.points++;
    figures.held_room += HoldsRoom() ? 1 : 0;
  }
  void Continue() {
    victim_->child().Continue();
    while (!victim_->child().HasChanged()) {
      Help();
      Nap();
    }
    CHECK_EQ(victim_->child().Wait(), 0);
    CHECK_EQ(me_.ReapAll(), 0);
    Close();
  }
  void Close() {
    others_->Stop(actor_);
    CHECK_EQ(me_.ReapAll(), 0);
    const uint32_t flags = me_->QueueFlags();
    CHECK(flags == 0 || scenario_.shuts_down);
    Balance(segment_, me_, *ledger_, actor_,
            {.killed = scenario_.repairs, .shut_down = flags != 0, .dropped = (flags & kQueueImmediate) != 0});
    visible_.Leave();
  }

 private:
  struct Look {
    RunDelay theirs;
    int64_t last, delay, our_delay;
    int64_t fair = 0;
    bool over = false;

    // The time since the look began in which they could go on, and we could help them. Piece by piece: a delay also
    // counts while the machine stands still, and would take away more than there was.
    int64_t Fair(const RunDelay& ours) {
      const int64_t now = MachineNanos(), theirs_now = theirs.Nanos(), ours_now = ours.Nanos();
      fair += std::max<int64_t>(0, now - last - (theirs_now - delay) - (ours_now - our_delay));
      last = now;
      delay = theirs_now;
      our_delay = ours_now;
      return fair;
    }
  };

  uint64_t ended(size_t i) const { return ledger_->ended[Ledger::kFirstOther + i]; }
  bool gone(size_t i) const { return ledger_->doing[Ledger::kFirstOther + i] == Ledger::kGone; }
  // Someone to wake makes the wake-up part of the points.
  void Wait() {
    for (int q = 0; q < kWaitQueues; q++) me_->Waiters(q).Arm(me_.self());
  }
  bool HoldsRoom() {
    if (!in_its_slot_) return false;
    const std::vector<uint32_t> busy = me_->Busy();
    return std::find(busy.begin(), busy.end(), scenario_.repairs ? kDeadSlot : kVictimSlot) != busy.end();
  }
  // What an error of a full queue is made of: nobody else is named for what the stopped one holds.
  void CheckName() {
    CHECK_EQ(me_->registry().slot(kVictimSlot).pid, static_cast<uint32_t>(victim_->child().pid()));
    const std::vector<uint32_t> busy = me_->Busy();
    for (const uint32_t slot : busy) {
      bool known = slot == kVictimSlot;
      for (size_t i = 0; i < others_->count(); i++) {
        known = known || me_->registry().slot(slot).pid == static_cast<uint32_t>(others_->pid(i));
      }
      CHECK(known);
    }
  }
  // Does the opposite of one that is alone in its role, so that it is never without work.
  void Help() {
    if (me_->QueueFlags() == 0 &&
        (others_->count() == 1 || IsArmed<Ring::kData>(segment_) || IsArmed<Ring::kSpace>(segment_))) {
      if (me_->Waiters(Ring::kData).HasOthers(me_.self()) && me_->Size() == 0) actor_.TryPut(8);
      if (me_->Waiters(Ring::kSpace).HasOthers(me_.self())) actor_.TryGet();
    }
  }

  const Scenario& scenario_;
  // Spill files of a queue that no sweep can see are removed by the next one.
  Opened visible_;
  SharedWithChildren<Ledger> ledger_;
  RingSegment segment_;
  RingMember me_;
  Actor actor_;
  std::optional<Victim> victim_;
  std::optional<Others> others_;
  std::vector<uint64_t> before_;
  std::vector<Look> looks_;
  const RunDelay ours_;
  bool stopped_ = false, in_its_slot_ = false;
};

inline void LookAtAll(std::list<Stopped>& many, StopFigures& figures) {
  for (Stopped& one : many) one.BeginLook();
  for (bool all = false; !all; Nap()) {
    all = true;
    for (Stopped& one : many) all = one.OthersGoOn(figures) && all;
  }
}

inline void CheckAndContinue(std::list<Stopped>& many, StopFigures& figures) {
  if (many.empty()) return;
  LookAtAll(many, figures);
  LetAPauseBe();
  for (Stopped& one : many) one.IsNotDead(figures);
  LookAtAll(many, figures);
  for (Stopped& one : many) one.Continue();
  many.clear();
}

inline constexpr uint64_t kTries = 16;
// Stopped at the same time.
inline constexpr size_t kMany = 60;

template <typename Scenarios>
void StopBeside(const Scenarios& scenarios, uint32_t others) {
  const uint64_t seed = FreshSeed();
  const uint64_t step = OneOf(4, 8);
  StopFigures figures;
  std::list<Stopped> many;
  uint64_t wanted = 0, missed = 0;
  for (size_t s = 0; s < std::size(scenarios); s++) {
    const Scenario& scenario = scenarios[s];
    const uint64_t alone = [&] {
      Opened visible = Published("alone", QueueParameters());
      const uint64_t points = PointsAlone(scenario, visible.segment->uuid());
      visible.Leave();
      return points;
    }();
    uint64_t stopped = 0;
    for (uint64_t k = 1 + (seed + s) % std::min(step, alone); k <= alone; k += step) {
      wanted++;
      bool met = false;
      for (uint64_t n = 0; n < kTries && !met; n++) {
        many.emplace_back(scenario, k, others, "visible." + std::to_string(many.size()), seed + k * kTries + n, n);
        met = many.back().stopped();
        if (met) continue;
        many.back().Close();
        many.pop_back();
      }
      (met ? stopped : missed)++;
      if (many.size() == kMany) CheckAndContinue(many, figures);
    }
    printf("%s: %llu stop points of %llu alone\n", scenario.name, static_cast<unsigned long long>(stopped),
           static_cast<unsigned long long>(alone));
  }
  CheckAndContinue(many, figures);
  printf(
      "total: %llu stop points, %u others, %llu tried in vain; %llu with room in hand; others went on %llu times, were "
      "held back %llu times; longest wait %lld ms\n",
      static_cast<unsigned long long>(figures.points), others, static_cast<unsigned long long>(missed),
      static_cast<unsigned long long>(figures.held_room), static_cast<unsigned long long>(figures.went_on),
      static_cast<unsigned long long>(figures.held_back), static_cast<long long>(figures.longest / 1'000'000));
  CHECK_EQ(figures.points + missed, wanted);
  CHECK(missed * 10 < wanted);
  CHECK(figures.held_room > 0);
  CHECK(figures.went_on > figures.held_back);
}

}  // namespace multiproc
