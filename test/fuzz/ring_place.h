// RingPlace: a ring that is mapped once for all inputs, and what of it may be lied about.
#pragma once

#include <bit>
#include <memory>

#include "fuzz.h"

namespace multiproc::fuzz {

struct RingPlace {
  explicit RingPlace(const RingShape& shape)
      : segment(Fenced([&] { return std::make_unique<RingSegment>(shape); },
                       [](const RingSegment& s) { return ExtentOf(s, s.shape.lines * kLineBytes); })) {
    const RingSegment& s = *segment;
    const RingPlaces places = RingPlaces::Of(shape.lines, shape.counted);
    const uint64_t states_end = places.states + shape.lines * 8 + (shape.counted ? shape.lines : 0);
    ForbidHeader(s);
    Forbid(s.body() + sizeof(QueueControl), s.body() + places.states);
    Forbid(s.body() + states_end, s.body() + places.data);
    char* const control = s.body();
    const uint64_t words = shape.lines * 8;
    regions = {{control, 8},          // tail
               {control + 128, 8},    // head
               {control + 256, 24},   // flags, summaries, watch
               {control + 384, 384},  // waiters
               {control + 768, 8},    // done
               {control + 896, 256},  // ends
               {s.body() + places.states, words},
               {s.body() + places.states, 64},
               {SlotsOf(s), shape.participants * sizeof(RegistrySlot)},
               {SlotsOf(s), kMembers * sizeof(RegistrySlot)},
               {s.body() + places.data, shape.lines * kLineBytes}};
    if (shape.counted) regions.push_back({s.body() + places.attempts, shape.lines});
  }

  void Clear() const {
    const RingSegment& s = *segment;
    const RingPlaces places = RingPlaces::Of(s.shape.lines, s.shape.counted);
    ClearSlots(s);
    memset(s.body(), 0, sizeof(QueueControl));
    memset(s.body() + places.states, 0, s.shape.lines * 8 + (s.shape.counted ? s.shape.lines : 0));
    memset(s.body() + places.data, 0, s.shape.lines * kLineBytes);
    Ring::Format(s.body(), s.shape.lines, s.shape.counted, s.shape.start);
  }

  // A lie that looks like a record: one field of a word in use is another one.
  void Forge(Input& in) const {
    const RingWordFormat format(static_cast<uint32_t>(std::countr_zero(segment->shape.lines)));
    const uint64_t head = Cursor{segment->control().head.Load(std::memory_order_relaxed)}.position();
    Shared<uint64_t>& word = segment->WordAt(head + in.Byte() % 8);
    RingRecord record = format.Unpack(word.Load(std::memory_order_relaxed));
    const uint64_t value = in.Odd();
    switch (in.Byte() % 6) {
      case 0:
        record.pad = value & 127;
        break;
      case 1:
        record.state = static_cast<RingState>(value & 7);
        break;
      case 2:
        record.owner = value & 1023;
        break;
      case 3:
        record.lines = value % segment->shape.lines + 1;
        break;
      case 4:
        record.flags = value & 3;
        break;
      default:
        record.lap = format.Lap(value);
    }
    word.Store(format.Pack(record), std::memory_order_relaxed);
  }

  std::unique_ptr<RingSegment> segment;
  std::vector<Region> regions;
};

}  // namespace multiproc::fuzz
