// Actor: one process of the soak. It attaches by name, as a stranger does, waits as the library waits, and writes down
// each step before it takes it.
#pragma once

#include <time.h>

#include <vector>

#include "content.h"
#include "core/spill.h"
#include "named_segment.h"
#include "run_delay.h"

namespace multiproc::soak {

inline void Sleep(int64_t nanos) {
  const timespec pause = {nanos / 1'000'000'000, nanos % 1'000'000'000};
  nanosleep(&pause, nullptr);
}

// Repairs the participant if it is dead, as the library does it.
inline bool Reap(Opened& opened, uint32_t participant) {
  if (!opened.segment->registry().Reap(participant, *opened.body)) return false;
  if (opened.segment->parameters().kind != SegmentKind::kQueue) return true;
  if (opened.ring().HasSpilled()) CollectSpills(opened.segment->uuid(), opened.ring());
  return true;
}

inline uint32_t ReapAll(Opened& opened) {
  uint32_t dead = 0;
  for (uint32_t i = 0; i < opened.segment->registry().count(); i++) dead += Reap(opened, i) ? 1 : 0;
  return dead;
}

class Actor {
 public:
  Actor(Ledger& ledger, uint32_t seat, uint32_t incarnation, uint64_t seed)
      : ledger_(ledger), row_(ledger.rows[seat]), seat_(seat), me_(incarnation), random_(seed) {}

 protected:
  Row& row() { return row_; }
  Ledger& ledger() { return ledger_; }
  Random& random() { return random_; }
  uint32_t seat() const { return seat_; }
  uint32_t me() const { return me_; }
  bool In(uint32_t phase) const { return ledger_.phase.load() >= phase; }

  void Do(Doing doing) { row_.doing.store(doing); }
  void Do(Doing doing, uint32_t object) {
    row_.object.store(object);
    Do(doing);
  }
  void OperationEnds() {
    Do(Doing::kNothing);
    row_.message.store(0);
    row_.operations.fetch_add(1);
  }

  Opened Attach(const char* name) {
    Do(Doing::kAttaching);
    Failure failure;
    Opened opened = TryOpen(name, &failure);
    if (opened.segment == nullptr) ledger_.Fail("cannot open %s: %s", name, failure.reason.c_str());
    return opened;
  }

  // In calm a slice is longer than anybody ever waits there, however slow the machine is: that a wake is missing shows
  // by who stands still, and not by who was as slow as a slice is long.
  static constexpr int64_t kCalmSliceNanos = 60'000'000'000;

  // Repeats `attempt` until it gives something else than kAgain, asleep in between: `block` is one wait of the library,
  // for as long as it is told, and `reap` what the library does at the end of a slice.
  template <typename Attempt, typename Block, typename Reaping>
  Status Await(Doing trying, Doing waiting, Attempt attempt, Block block, Reaping reap) {
    uint32_t attempts = 0;
    const auto tracked = [&] {
      attempts++;
      Do(trying);
      const Status status = attempt();
      if (status == kAgain) Do(waiting);
      return status;
    };
    Status status = tracked();
    if (status != kAgain) return status;
    (In(Ledger::kCalm) ? ledger_.waits_in_calm : ledger_.waits).fetch_add(1);
    for (bool sliced = false, sliced_in_calm = false;;) {
      attempts = 0;
      const bool calm = In(Ledger::kCalm);
      const int64_t slice = calm ? kCalmSliceNanos : kSliceNanos;
      const int64_t began = MachineNanos(), delay = run_delay_.Nanos();
      status = block(tracked, slice);
      if (status == kAgain) {
        sliced = true;
        sliced_in_calm = calm;
        Do(Doing::kReaping);
        reap();
        Do(waiting);
        continue;
      }
      const int64_t awake = MachineNanos() - began - (run_delay_.Nanos() - delay);
      const bool at_once = attempts == 1, late = awake >= slice;
      const uint32_t where = static_cast<uint32_t>(waiting);
      if (status >= 0 && calm && (late || (sliced_in_calm && at_once))) ledger_.woken_by_slice_in_calm[where]++;
      if (status >= 0 && !calm && (late || (sliced && at_once))) ledger_.woken_by_slice[where]++;
      return status;
    }
  }

  // Once in `times` stays a while where it is, with whatever it has in its hands.
  void Linger(uint64_t times = 12, uint64_t most = 3'000'000) {
    if (random_.Below(times) == 0) Sleep(static_cast<int64_t>(random_.Below(most)));
  }
  // Between operations: for a while as fast as it can, then again slowly, so that queues run full and run empty.
  void Pace() {
    if (left_-- == 0) {
      left_ = random_.Below(100);
      pause_ = random_.Below(3) == 0 ? 0 : random_.Below(600'000);
    }
    if (pause_ > 0) Sleep(static_cast<int64_t>(random_.Below(pause_)));
  }

  SpinBudget spin{true};

 private:
  Ledger& ledger_;
  Row& row_;
  const uint32_t seat_;
  const uint32_t me_;
  Random random_;
  const RunDelay run_delay_;
  uint64_t left_ = 0, pause_ = 0;
};

// An actor at a ring.
class RingActor : public Actor {
 public:
  RingActor(Ledger& ledger, uint32_t seat, uint32_t incarnation, uint64_t seed)
      : Actor(ledger, seat, incarnation, seed),
        number_(kSeats[seat].ring),
        end_(kSeats[seat].role == Role::kProducer ? Ring::kSending : Ring::kReceiving) {
    Join();
  }

 protected:
  Ring& ring() { return opened_.ring(); }
  RingBooks& books() { return ledger().rings[number_]; }
  const RingPlan& plan() const { return kRings[number_]; }
  uint64_t uuid() const { return opened_.segment->uuid(); }
  uint32_t number() const { return number_; }
  void Step(Doing doing) { Do(doing, number_); }

  void Join() {
    row().object.store(number_);
    opened_ = Attach(plan().name);
    if (plan().ends) {
      ring().OpenEnd(end_);
      row().end_opened_at.store(MonotonicNanos());
    }
    row().attached.store(1);
  }
  void Leave() {
    row().end_opened_at.store(0);
    Step(Doing::kLeavingSegment);
    if (opened_.Leave()) ledger().Fail("%s was left by the last user although the auditor uses it", plan().name);
  }
  // Leaves, and comes again as another participant. Seldom at a pipe: who leaves cleans up in the place that he had,
  // which would hide what the dead have left there.
  void Rejoin() {
    if (plan().ends && random().Below(20) != 0) return;
    Leave();
    Join();
    ledger().rejoined.fetch_add(1);
  }

  template <typename Attempt>
  Status AwaitRing(Ring::WaitQueueIndex which, Doing trying, Doing waiting, Attempt attempt) {
    row().object.store(number_);
    return Await(
        trying, waiting, attempt,
        [&](auto tracked, int64_t slice) { return ring().Block<kCalmSliceNanos>(which, spin, slice, tracked); },
        [&] {
          if (plan().ends) {
            ReapAll(opened_);
          } else {
            for (const uint32_t i : ring().Busy()) Reap(opened_, i);
          }
        });
  }

  // The ring says that nobody uses the other end of the pipe. Then nobody alive did all the time since `began`.
  void CheckDeserted(int64_t began) {
    if (!plan().ends) ledger().Fail("%s says that it is shut down", plan().name);
    const Role other = end_ == Ring::kSending ? Role::kConsumer : Role::kProducer;
    for (uint32_t i = 0; i < kSeatCount; i++) {
      if (kSeats[i].role != other || kSeats[i].ring != number_) continue;
      const Row& row = ledger().rows[i];
      const uint32_t incarnation = row.incarnation.load();
      const int64_t opened = row.end_opened_at.load();
      if (opened != 0 && opened < began && row.incarnation.load() == incarnation && ledger().Lives(incarnation))
        ledger().Fail("%s says that nobody uses its other end, which %u does", plan().name, incarnation);
    }
  }

 private:
  const uint32_t number_;
  const Ring::End end_;
  Opened opened_;
};

}  // namespace multiproc::soak
