// RingPlace: a ring that is mapped once for all inputs, and what of it may be lied about.
#pragma once

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

  std::unique_ptr<RingSegment> segment;
  std::vector<Region> regions;
};

}  // namespace multiproc::fuzz
