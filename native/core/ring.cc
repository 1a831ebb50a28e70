#include "core/ring.h"

#include <bit>

namespace multiproc {
namespace {

constexpr uint64_t kControlBytes = 4096;

}  // namespace

RingPlaces RingPlaces::Of(uint64_t lines, bool counted) {
  RingPlaces places;
  places.states = kControlBytes;
  const uint64_t states_end = places.states + lines * sizeof(uint64_t);
  places.attempts = counted ? states_end : 0;
  places.data = RoundUp(states_end + (counted ? lines : 0), 4096);
  places.total = places.data + lines * kLineBytes;
  return places;
}

Ring::Ring(char* body, Registry* registry, Shared<uint32_t>* poisoned, uint64_t lines, uint64_t maxsize, bool counted)
    : control_(reinterpret_cast<QueueControl*>(body)),
      registry_(registry),
      poisoned_(poisoned),
      lines_(lines),
      maxsize_(maxsize > kMaxsizeMost ? 0 : maxsize),
      counted_(counted),
      format_(static_cast<uint32_t>(std::countr_zero(lines))) {
  const RingPlaces places = RingPlaces::Of(lines, counted);
  states_ = reinterpret_cast<Shared<uint64_t>*>(body + places.states);
  attempts_ = counted ? reinterpret_cast<uint8_t*>(body + places.attempts) : nullptr;
  data_ = body + places.data;
  head_seen_ = Head().position();
  settled_.StartAt(head_seen_);
}

void Ring::Format(char* body, uint64_t lines, bool counted, uint64_t start) {
  auto* control = reinterpret_cast<QueueControl*>(body);
  const RingWordFormat format(static_cast<uint32_t>(std::countr_zero(lines)));
  // relaxed: nobody else can see the segment before it is published
  const Cursor cursor = Cursor::Of(start, 0);
  control->tail.Store(cursor.raw, std::memory_order_relaxed);
  control->head.Store(cursor.raw, std::memory_order_relaxed);
  // Zeroed words are free records of lap 0: right for every start that does not begin in lap 0 or reach it within a
  // ring.
  const uint64_t lap = format.Lap(start);
  const uint64_t next_lap = format.Lap(start + lines);
  if (lap != 0 && next_lap != 0) return;
  auto* states = reinterpret_cast<Shared<uint64_t>*>(body + RingPlaces::Of(lines, counted).states);
  const uint64_t unused = format.Pack({format.Lap(start - lines), 0, kFree, 0, 1, 0});
  for (uint64_t i = 0; i < lines; i++) states[i].Store(unused, std::memory_order_relaxed);
}

Status Ring::Poison() {
  if (poisoned_->Exchange(1) == 0) registry_->RingEverybody();
  return kPoisoned;
}

WaitQueue Ring::Waiters(int which) {
  return WaitQueue(&control_->waiter_summary[which], control_->waiter_bits[which], registry_->words());
}

}  // namespace multiproc
