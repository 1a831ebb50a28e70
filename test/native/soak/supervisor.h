// Supervisor: starts the actors, kills and stops them at random, starts others in their places. It uses nothing of the
// library itself, so that nobody inherits anything of it.
#pragma once

#include "auditor.h"
#include "consumer.h"
#include "figures.h"
#include "locker.h"
#include "observer.h"
#include "producer.h"
#include "report.h"
#include "watchdog.h"

namespace multiproc::soak {

struct Task {
  double seconds = 10;
  double kills_per_second = 25;
  uint64_t seed = 0;

  // The last part of the run is without kills.
  double CalmSeconds() const { return std::min(5.0, std::max(1.0, seconds / 20)); }
  double TortureSeconds() const { return std::max(0.0, seconds - CalmSeconds()); }
  // However slow the machine is, there are so many: the torture goes on until then.
  uint64_t LeastKills() const { return 1 + static_cast<uint64_t>(TortureSeconds() * kills_per_second * 0.8); }
};

class Supervisor {
 public:
  explicit Supervisor(const Task& task) : task_(task), random_(task.seed * 2 + 1), watchdog_(*ledger_) {}

  // The figures; throws check::Failed, having said why.
  Figures Run() {
    try {
      auditor_.emplace([this] {
        Auditor auditor(*ledger_);
        auditor.Run();
      });
      Await("the auditor has made everything", [this] { return ledger_->founded != 0; });
      ledger_->phase.store(Ledger::kTorture);
      for (uint32_t i = 0; i < kSeatCount; i++) Start(i);
      Await("everybody is there", [this] { return EverybodyIsThere(); });
      figures_.at_first = Resources::Now();
      const int64_t began = MonotonicNanos();
      Torture(began + static_cast<int64_t>(task_.TortureSeconds() * 1e9));
      figures_.seconds = static_cast<double>(MonotonicNanos() - began) / 1e9;
      Calm();
      End();
    } catch (const check::Failed&) {
      PrintState(*ledger_, pids_, auditor_ ? auditor_->pid() : 0);
      throw;
    }
    figures_.at_last = Resources::Now();
    figures_.longest_stall = watchdog_.longest();
    figures_.longest_line = watchdog_.longest_line();
    figures_.share = watchdog_.share();
    return figures_;
  }
  const Ledger& ledger() const { return *ledger_; }

 private:
  static constexpr int64_t kLook = 2'000'000, kWatch = 40'000'000, kReport = 30'000'000'000;
  // So many kills for one stop, of 300 to 600 ms.
  static constexpr uint64_t kKillsForAStop = 40;
  static constexpr int64_t kPhasePatience = 150'000'000'000;

  struct Seat {
    std::optional<Child> child;
    uint32_t incarnation = 0;
    bool doomed = false, gone = false;
  };

  void Start(uint32_t i) {
    Seat& seat = seats_[i];
    seat.incarnation = ++incarnations_;
    if (incarnations_ >= Ledger::kMostIncarnations) ledger_->Fail("more processes than the ledger has room for");
    seat.doomed = false;
    ledger_->rows[i].incarnation.store(seat.incarnation);
    const uint64_t seed = (task_.seed + 1) * 0x9e3779b97f4a7c15ull + seat.incarnation * 0xd1342543de82ef95ull;
    const uint32_t incarnation = seat.incarnation;
    seat.child.emplace([this, i, incarnation, seed] { Act(i, incarnation, seed); });
    pids_[i] = seat.child->pid();
    watchdog_.Born(i, seat.child->pid());
  }
  void Act(uint32_t i, uint32_t incarnation, uint64_t seed) {
    switch (kSeats[i].role) {
      case Role::kProducer:
        return Producer(*ledger_, i, incarnation, seed).Run();
      case Role::kConsumer:
        return Consumer(*ledger_, i, incarnation, seed).Run();
      case Role::kLocker:
        return Locker(*ledger_, i, incarnation, seed).Run();
      case Role::kObserver:
        return Observer(*ledger_, i, incarnation, seed).Run();
    }
  }

  // ---- torture

  void Torture(int64_t end) {
    int64_t last = MonotonicNanos(), next = last + Gap(), delay = run_delay_.Nanos();
    for (int64_t now = last; now < end || figures_.kills < task_.LeastKills(); now = MonotonicNanos()) {
      Look();
      if (now >= next) {
        Kill();
        figures_.longest_gap = std::max(figures_.longest_gap, now - last);
        // Without the time for which we had no processor ourselves.
        const int64_t delayed = run_delay_.Nanos();
        figures_.longest_fair_gap = std::max(figures_.longest_fair_gap, now - last - (delayed - delay));
        delay = delayed;
        last = now;
        next = std::max(now, next + Gap());
        if (figures_.kills % kKillsForAStop == kKillsForAStop / 4)
          Stop(static_cast<uint32_t>(random_.Below(kSeatCount)));
      }
      if (stopped_ && now >= stop_ends_) EndStop();
      Report(now);
      Sleep(std::max<int64_t>(100'000, std::min(kLook, next - MonotonicNanos())));
    }
    EndStop();
  }
  // Between kills: the mean and a quarter more or less.
  int64_t Gap() {
    return static_cast<int64_t>(1e9 / task_.kills_per_second *
                                (0.75 + 0.5 * static_cast<double>(random_.Below(1000)) / 1000));
  }
  void Kill() {
    uint32_t i = static_cast<uint32_t>(random_.Below(kSeatCount));
    // The next one, where somebody has not been buried yet: the choices that follow stay those of the seed.
    for (uint32_t tried = 0; seats_[i].doomed && tried < kSeatCount; tried++) i = (i + 1) % kSeatCount;
    Seat& seat = seats_[i];
    if (seat.doomed) return;
    seat.doomed = true;
    ledger_->fates[seat.incarnation].state.store(Fate::kDoomed);
    seat.child->Kill();
    figures_.kills++;
    if (stopped_ == i) {
      figures_.killed_while_stopped++;
      stopped_.reset();
    }
  }
  void Stop(uint32_t i) {
    const int64_t length = 300'000'000 + static_cast<int64_t>(random_.Below(300'000'001));
    if (stopped_ || seats_[i].doomed) return;
    stopped_ = i;
    stop_ends_ = MonotonicNanos() + length;
    operations_before_stop_ = CountOperations();
    kill(pids_[i], SIGSTOP);
    figures_.stops++;
  }
  void EndStop() {
    if (!stopped_) return;
    // A pause is nobody else's.
    const uint64_t meanwhile = CountOperations() - operations_before_stop_;
    figures_.fewest_meanwhile = std::min(figures_.fewest_meanwhile, meanwhile);
    if (meanwhile == 0) ledger_->Fail("while seat %u was stopped nobody did anything", *stopped_);
    seats_[*stopped_].child->Continue();
    stopped_.reset();
  }
  void Report(int64_t now) {
    if (now - reported_ < kReport) return;
    if (reported_ != 0) {
      printf("%llu kills, %llu operations\n", static_cast<unsigned long long>(figures_.kills),
             static_cast<unsigned long long>(CountOperations()));
    }
    reported_ = now;
  }
  uint64_t CountOperations() const {
    uint64_t operations = figures_.operations_of_the_dead;
    for (uint32_t i = 0; i < kSeatCount; i++) operations += ledger_->rows[i].operations.load();
    return operations;
  }

  // ---- looking after everybody

  void Look() {
    if (ledger_->failures != 0) throw check::Failed{};
    if (auditor_ && auditor_->HasEnded()) {
      const int code = auditor_->Wait();
      auditor_.reset();
      if (code != 0 || !InPhase(Ledger::kDrained)) ledger_->Fail("the auditor ended with %d", code);
    }
    for (uint32_t i = 0; i < kSeatCount; i++)
      if (seats_[i].child && !seats_[i].gone && seats_[i].child->HasEnded()) Ended(i);
    const int64_t now = MonotonicNanos();
    if (now - watched_ < kWatch || InPhase(Ledger::kDraining)) return;
    watched_ = now;
    if (const std::optional<uint32_t> stuck = watchdog_.Look(stopped_.has_value())) {
      const Row& row = ledger_->rows[*stuck];
      ledger_->Fail("seat %u, %s %u, does not get on: %s", *stuck, NameOfSeat(*stuck), row.incarnation.load(),
                    NameOf(row.doing.load()));
    }
  }
  void Ended(uint32_t i) {
    Seat& seat = seats_[i];
    const int code = seat.child->Wait();
    watchdog_.Died(i);
    // What it saw before it was killed counts.
    if (ledger_->failures != 0) throw check::Failed{};
    if (seat.doomed && code == -SIGKILL) {
      Bury(i);
      return Start(i);
    }
    if (code != 0 || !InPhase(Ledger::kEnding))
      ledger_->Fail("seat %u, %s, ended with %d", i, NameOf(kSeats[i].role), code);
    seat.gone = true;
    pids_[i] = 0;
  }
  // Writes down what it was doing; nobody else writes its row any more.
  void Bury(uint32_t i) {
    Row& row = ledger_->rows[i];
    Fate& fate = ledger_->fates[row.incarnation.load()];
    const Doing doing = row.doing.load();
    const uint32_t object = row.object.load();
    fate.doing = doing;
    fate.message = row.message.load();
    figures_.Count(doing, row.attached.load() != 0, row.operations.load());
    CountAgainstRules(doing, object);
    fate.state.store(Fate::kBuried);
    row.end_opened_at.store(0);
    row.attached.store(0);
    row.message.store(0);
    row.operations.store(0);
    row.doing.store(Doing::kStarting);
  }
  // Deaths at instants into which the ledger does not see.
  void CountAgainstRules(Doing doing, uint32_t object) {
    if (doing == Doing::kClaiming) ledger_->rings[object].died_claiming++;
    if (doing == Doing::kAcquiring || doing == Doing::kLeaving) ledger_->locks[object].died_around++;
    if (doing == Doing::kInside) ledger_->locks[object].died_inside++;
    if (doing == Doing::kHoldingPermit) ledger_->permits_died++;
    if (doing == Doing::kTakingPermit || doing == Doing::kGivingPermit) ledger_->permits_unknown++;
    if (doing == Doing::kNotifying) ledger_->died_notifying++;
    if (doing == Doing::kAwaitingNotification || doing == Doing::kEnteringCondition)
      ledger_->died_awaiting_notification++;
    if (doing == Doing::kReaping) ledger_->died_reaping++;
  }

  bool InPhase(uint32_t phase) const { return ledger_->phase.load() >= phase; }
  bool EverybodyIsThere() const {
    for (uint32_t i = 0; i < kSeatCount; i++)
      if (seats_[i].doomed || ledger_->rows[i].attached == 0) return false;
    return true;
  }
  template <typename Condition>
  void Await(const char* what, Condition condition) {
    const int64_t deadline = MachineNanos() + kPhasePatience;
    while (!condition()) {
      Look();
      if (MachineNanos() > deadline) ledger_->Fail("after a long time it is not so that %s", what);
      Sleep(kLook);
    }
  }

  // ---- the end

  // Without deaths nothing is ever late or left over.
  void Calm() {
    Await("the killed are buried", [this] { return EverybodyIsThere(); });
    ledger_->phase.store(Ledger::kCalming);
    Await("the auditor has repaired everything", [this] { return ledger_->calmed != 0; });
    ledger_->phase.store(Ledger::kCalm);
    const int64_t end = MonotonicNanos() + static_cast<int64_t>(task_.CalmSeconds() * 1e9);
    Await("the calm is over", [&] { return MonotonicNanos() >= end; });
    CheckWakes();
  }
  void CheckWakes() {
    for (uint32_t i = 0; i < kDoings; i++) {
      const uint64_t late = ledger_->woken_by_slice_in_calm[i].load();
      if (late > 0)
        ledger_->Fail("%llu waits (%s) ended with their slice: nobody had woken them, and nobody had died",
                      static_cast<unsigned long long>(late), NameOf(static_cast<Doing>(i)));
    }
  }
  void End() {
    ledger_->phase.store(Ledger::kEnding);
    Await("all but consumers have ended",
          [this] { return AllGone([](Role role) { return role != Role::kConsumer; }); });
    ledger_->phase.store(Ledger::kDraining);
    Await("consumers have ended", [this] { return AllGone([](Role) { return true; }); });
    Await("the auditor has ended", [this] { return !auditor_; });
    CheckWakes();
  }
  template <typename Which>
  bool AllGone(Which which) const {
    for (uint32_t i = 0; i < kSeatCount; i++)
      if (which(kSeats[i].role) && !seats_[i].gone) return false;
    return true;
  }

  const Task task_;
  Random random_;
  SharedWithChildren<Ledger> ledger_;
  Watchdog watchdog_;
  const RunDelay run_delay_;
  std::optional<Child> auditor_;
  Seat seats_[kSeatCount];
  pid_t pids_[kSeatCount] = {};
  uint32_t incarnations_ = Auditor::kIncarnation;
  std::optional<uint32_t> stopped_;
  int64_t stop_ends_ = 0, watched_ = 0, reported_ = 0;
  uint64_t operations_before_stop_ = 0;
  Figures figures_;
};

}  // namespace multiproc::soak
