// Lines: who stands in line for what, and how far that line has come. A process that waits for ever does not show by
// itself, since it is killed before long, and its successor goes elsewhere; the line shows that it does not move.
#pragma once

#include <optional>

#include "ledger.h"

namespace multiproc::soak {

class Lines {
 public:
  // Those for room and for messages at each ring, and one at each object.
  static constexpr uint32_t kCount = 2 * kRingCount + kObjectCount;

  explicit Lines(const Ledger& ledger) : ledger_(ledger) {}

  // In which line does this one stand, if it can move?
  std::optional<uint32_t> Of(const SeatPlan& seat, const Row& row) const {
    const uint32_t object = row.object.load();
    switch (row.doing.load()) {
      case Doing::kAwaitingRoom:
        return 2 * object;
      case Doing::kAwaitingMessage:
        return 2 * object + 1;
      case Doing::kAwaitingLock:
      case Doing::kAwaitingPermit:
      case Doing::kArriving:
        return 2 * kRingCount + object;
      case Doing::kAwaitingNotification:
      case Doing::kAwaitingEvent:
      case Doing::kAwaitingParties:
        if (IsOwed(row)) return 2 * kRingCount + object;
        return {};
      case Doing::kReaping:
        if (seat.role == Role::kProducer) return 2 * object;
        if (seat.role == Role::kConsumer) return 2 * object + 1;
        if (seat.role == Role::kLocker && IsOwed(row)) return 2 * kRingCount + object;
        return {};
      default:
        return {};
    }
  }

  // What changes when the line moves.
  uint64_t Progress(uint32_t line) const {
    if (line >= 2 * kRingCount) return ProgressAt(static_cast<Object>(line - 2 * kRingCount));
    const uint32_t ring = line / 2;
    if (line % 2 == 1) return ledger_.rings[ring].claims.load();
    uint64_t entered = 0;
    for (uint32_t i = 0; i < kStreams; i++) entered += kSeats[i].ring == ring ? ledger_.streams[i].next.load() : 0;
    return entered;
  }

  // Has what a party at a meeting waits for happened? Nobody is owed a partner who has not come.
  bool IsOwed(const Row& row) const {
    const uint64_t waits_for = row.message.load();
    if (waits_for == 0) return true;
    switch (static_cast<Object>(row.object.load())) {
      case Object::kCondition:
      case Object::kEvent:
        return ledger_.generation.load() >= waits_for;
      case Object::kBarrier:
        return ledger_.barrier.newest.load() + 1 >= waits_for && ledger_.barrier.newest.load() > 0;
      default:
        return true;
    }
  }

 private:
  uint64_t ProgressAt(Object object) const {
    switch (object) {
      case Object::kCondition:
        return ledger_.grants_taken.load();
      case Object::kSemaphore:
        return ledger_.semaphore_uses.load();
      case Object::kEvent:
        return ledger_.event_waits.load();
      case Object::kBarrier:
        return ledger_.barrier.released.load() + ledger_.barrier.broken.load() + ledger_.barrier.arrivals_began.load();
      default:
        return ledger_.locks[static_cast<uint32_t>(object)].entries.load();
    }
  }

  const Ledger& ledger_;
};

}  // namespace multiproc::soak
