// What is done with an event, a condition and a barrier while somebody is killed or stopped, and what must hold. Here
// the others wait, each once, for something that the victim may do; if it is over, the parent sees to it.
#pragma once

#include "core/barrier.h"
#include "core/condition.h"
#include "core/event.h"
#include "kill_points.h"

namespace multiproc {

// ---- event

inline Scenario EventScenario() {
  return {.name = "event, set, cleared and waited for",
          .request = [](uint32_t) { return Of(ObjectKind::kEvent); },
          .prepare = Nothing,
          .release = [](Actor& a) { Event(a.block).Set(); },
          .before = Nothing,
          .act =
              [](Actor& a) {
                Event event(a.block);
                const uint32_t epoch = event.Epoch();
                event.Set();
                a.Reached(1);
                event.Clear();
                // Cleared or not: who had begun to wait is let go.
                CHECK_EQ(event.Test(epoch), kOk);
                const uint32_t cleared = event.Epoch();
                CHECK_EQ(a.AwaitBriefly([&] { return event.Test(cleared); }), kAgain);
                a.Reached(2);
                event.Set();
              },
          .round =
              [](Actor& a) {
                Event event(a.block);
                const uint32_t epoch = event.Epoch();
                a.Begun();
                CHECK_EQ(a.Await([&] { return event.Test(epoch); }), kOk);
                a.board.kinds[0].fetch_add(1);
              },
          .again = false,
          .verify =
              [](Actor& a, const Outcome& outcome) {
                Event event(a.block);
                CHECK_EQ(a.board.kinds[0].load(), outcome.others);
                CHECK(event.IsSet());
                event.Clear();
                CHECK_EQ(event.Test(event.Epoch()), kAgain);
              },
          .free_for_others = {}};
}

// ---- condition

// Every slot empty: nobody waits, and no notification is left over for somebody who comes later.
inline void VerifyCondition(Actor& a) {
  for (uint32_t i = 0; i < a.block.registry().count(); i++)
    CHECK_EQ(a.block.slot(i).Load(std::memory_order_seq_cst), 0);
  Condition condition(a.block);
  CHECK_EQ(condition.Enter(), kOk);
  CHECK_EQ(condition.TryTake(), kAgain);
  CHECK_EQ(condition.Notify(5), 1);
  CHECK_EQ(condition.TryTake(), kOk);
}

inline void WaitForNotification(Actor& a) {
  Condition condition(a.block);
  CHECK_EQ(condition.Enter(), kOk);
  a.Begun();
  CHECK_EQ(a.Await([&] { return condition.TryTake(); }), kOk);
  a.board.kinds[0].fetch_add(1);
}

// The victim notifies so many, or all. Whoever it did not reach is notified by the parent: one each, none twice.
inline Scenario NotifierScenario(const char* name, uint32_t n) {
  return {.name = name,
          .request = [](uint32_t) { return Of(ObjectKind::kCondition); },
          .prepare = Nothing,
          .release =
              [](Actor& a) {
                Condition condition(a.block);
                // A dead victim no longer counts; maybe another is repairing it just now.
                a.ReapNow();
                while (a.killed && a.block.slot(a.board.victim.load()).Load(std::memory_order_seq_cst) != 0)
                  sched_yield();
                const uint32_t waiting = condition.Waiting();
                CHECK_EQ(condition.Notify(waiting), waiting);
                CHECK_EQ(condition.Notify(1), 0);
              },
          .before = Nothing,
          .act =
              [=](Actor& a) {
                Condition condition(a.block);
                // With itself as one of those that wait, who gives up.
                CHECK_EQ(condition.Enter(), kOk);
                CHECK_EQ(condition.Notify(n), std::min(n, a.others + 1));
                condition.Leave();
              },
          .round = WaitForNotification,
          .again = false,
          .verify =
              [](Actor& a, const Outcome& outcome) {
                CHECK_EQ(a.board.kinds[0].load(), outcome.others);
                VerifyCondition(a);
              },
          .free_for_others = {}};
}

// The victim waits, is notified, and takes it or not: what it has not taken goes to another who waits, if there is one.
inline Scenario NotifiedScenario() {
  return {.name = "condition, notified",
          .request = [](uint32_t) { return Of(ObjectKind::kCondition); },
          .prepare = Nothing,
          .release =
              [](Actor& a) {
                Condition condition(a.block);
                const uint32_t slot = a.block.slot(a.board.victim.load()).Load(std::memory_order_seq_cst);
                const bool untaken = slot >> 16 != 0;
                if (a.ReapNow() > 0 && untaken && a.others > 0) CHECK(condition.Waiting() < a.others);
                condition.Notify(a.others);
              },
          .before =
              [](Actor& a) {
                // Begin looking at the victim's slot, so that it is the one that gets the notification.
                a.block.sync().word.Store(a.member.self(), std::memory_order_relaxed);
              },
          .act =
              [](Actor& a) {
                Condition condition(a.block);
                CHECK_EQ(condition.Enter(), kOk);
                CHECK_EQ(condition.Notify(1), 1);
                CHECK_EQ(a.AwaitBriefly([&] { return condition.TryTake(); }), kOk);
                CHECK_EQ(condition.Enter(), kOk);
                CHECK_EQ(a.AwaitBriefly([&] { return condition.TryTake(); }), kAgain);
                CHECK(!condition.Leave());
              },
          .round = WaitForNotification,
          .again = false,
          .verify =
              [](Actor& a, const Outcome& outcome) {
                CHECK_EQ(a.board.kinds[0].load(), outcome.others);
                VerifyCondition(a);
              },
          .free_for_others = {}};
}

// ---- barrier

// Outcomes of a party.
inline constexpr uint32_t kReleased = 0, kSawBroken = 1;

inline void Meet(Actor& a) {
  Barrier barrier(a.block);
  uint32_t index = 0;
  BarrierRound round = 0;
  const Barrier::Arrival arrival = barrier.Arrive(&index, &round);
  a.Begun();
  Status status = kBroken;
  if (arrival == Barrier::Arrival::kLast) status = barrier.Finish(round);
  if (arrival == Barrier::Arrival::kWait) status = a.Await([&] { return barrier.Test(round); });
  CHECK(status == kOk || status == kBroken);
  a.board.kinds[status == kOk ? kReleased : kSawBroken].fetch_add(1);
}

// After a reset all meet as if nothing had been.
inline void VerifyBarrier(Actor& a, const Outcome& outcome, uint32_t parties) {
  const uint64_t released = a.board.kinds[kReleased].load();
  const uint64_t broken = a.board.kinds[kSawBroken].load();
  // As a whole. A victim that was killed may have been released, or have seen it broken, without saying so.
  CHECK(released == 0 || broken == 0);
  CHECK(released + broken >= outcome.others);
  Barrier barrier(a.block);
  barrier.Reset();
  CHECK_EQ(barrier.Waiting(), 0);
  uint32_t index = 0;
  BarrierRound round = 0;
  for (uint32_t i = 1; i < parties; i++) CHECK(barrier.Arrive(&index, &round) == Barrier::Arrival::kWait);
  CHECK(barrier.Arrive(&index, &round) == Barrier::Arrival::kLast);
  CHECK_EQ(barrier.Finish(round), kOk);
  CHECK_EQ(barrier.Test(round), kOk);
}

inline Scenario BarrierScenario() {
  return {.name = "barrier, arriving, waiting and finishing",
          .request = [](uint32_t others) { return Of(ObjectKind::kBarrier, others + 1, -1); },
          .prepare = Nothing,
          // A victim that had not arrived is missed for ever: who waits for it gives up, as by a timeout.
          .release =
              [](Actor& a) {
                Barrier barrier(a.block);
                a.ReapNow();
                if (a.killed && barrier.Waiting() == a.others) barrier.Abort();
              },
          .before = Nothing,
          .act = Meet,
          .round = Meet,
          .again = false,
          .verify =
              [](Actor& a, const Outcome& outcome) {
                if (!outcome.killed) CHECK_EQ(a.board.kinds[kReleased].load(), outcome.others + 1);
                VerifyBarrier(a, outcome, outcome.others + 1);
              },
          .free_for_others = {}};
}

// The victim ends a round that is one party short: by itself, for all, or by beginning another.
inline Scenario EndedBarrierScenario(const char* name, const std::function<void(Barrier&, BarrierRound)>& end) {
  return {.name = name,
          .request = [](uint32_t others) { return Of(ObjectKind::kBarrier, others + 2, -1); },
          .prepare = Nothing,
          .release =
              [](Actor& a) {
                a.ReapNow();
                Barrier(a.block).Abort();
              },
          .before = Nothing,
          .act =
              [=](Actor& a) {
                Barrier barrier(a.block);
                uint32_t index = 0;
                BarrierRound round = 0;
                CHECK(barrier.Arrive(&index, &round) == Barrier::Arrival::kWait);
                CHECK_EQ(a.AwaitBriefly([&] { return barrier.Test(round); }), kAgain);
                end(barrier, round);
                CHECK_EQ(barrier.Test(round), kBroken);
              },
          .round = Meet,
          .again = false,
          .verify =
              [](Actor& a, const Outcome& outcome) {
                CHECK_EQ(a.board.kinds[kReleased].load(), 0);
                VerifyBarrier(a, outcome, outcome.others + 2);
              },
          .free_for_others = {}};
}

inline std::vector<Scenario> ConditionScenarios() {
  return {EventScenario(), NotifierScenario("condition, notify(2)", 2), NotifierScenario("condition, notifyAll", 100),
          NotifiedScenario()};
}

inline std::vector<Scenario> BarrierScenarios() {
  return {BarrierScenario(), EndedBarrierScenario("barrier, broken", [](Barrier& b, BarrierRound r) { b.Break(r); }),
          EndedBarrierScenario("barrier, aborted", [](Barrier& b, BarrierRound) { b.Abort(); }),
          EndedBarrierScenario("barrier, reset", [](Barrier& b, BarrierRound) { b.Reset(); })};
}

}  // namespace multiproc
