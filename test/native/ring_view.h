// RingView: the words of a ring as they stand at this moment, read past the points of Shared<T>.
#pragma once

#include <bit>
#include <vector>

#include "unnamed_segment.h"

namespace multiproc {

struct Place {
  uint64_t position;
  RingRecord record;
};

// The records from head on, as far as words of this lap go.
struct Chain {
  uint64_t head;
  uint64_t end;
  std::vector<Place> places;
};

inline bool IsFinished(const RingRecord& record) {
  return record.state == kFree || record.state == kAborted || record.state == kPadding;
}

class RingView {
 public:
  explicit RingView(const RingSegment& segment)
      : segment_(segment), format_(static_cast<uint32_t>(std::countr_zero(segment.shape.lines))) {}

  uint64_t Head() const { return Cursor{Raw(segment_.control().head)}.position(); }
  uint64_t Tail() const { return Cursor{Raw(segment_.control().tail)}.position(); }
  bool IsShutDown() const { return (Raw(segment_.control().flags) & kQueueShutDown) != 0; }
  bool IsPoisoned() const { return Raw(*segment_.poisoned()) != 0; }

  uint64_t LapOf(uint64_t position) const { return format_.Lap(position); }
  RingRecord At(uint64_t position) const { return format_.Unpack(Raw(segment_.WordAt(position))); }
  bool IsCurrent(uint64_t position, const RingRecord& record) const { return record.lap == format_.Lap(position); }
  bool Holds(uint32_t owner, uint64_t position, RingState state) const {
    const RingRecord record = At(position);
    return IsCurrent(position, record) && record.state == state && record.owner == owner;
  }
  // The message at a position begins with a number.
  uint64_t NumberAt(uint64_t position) const {
    const RingShape& shape = segment_.shape;
    const char* data = segment_.body() + RingPlaces::Of(shape.lines, shape.counted).data;
    uint64_t number;
    memcpy(&number, data + (position & (shape.lines - 1)) * kLineBytes, sizeof number);
    return number;
  }

  Chain Records() const {
    Chain chain;
    chain.head = chain.end = Head();
    while (PositionDistance(chain.end, chain.head) < segment_.shape.lines) {
      const RingRecord record = At(chain.end);
      if (!IsCurrent(chain.end, record)) break;
      chain.places.push_back({chain.end, record});
      chain.end = (chain.end + record.lines) & kPositionMask;
    }
    return chain;
  }
  // Lines that are free once head has moved as far as it can.
  uint64_t RoomIn(const Chain& chain) const {
    uint64_t head = chain.end;
    for (const Place& place : chain.places) {
      if (IsFinished(place.record)) continue;
      head = place.position;
      break;
    }
    return segment_.shape.lines - PositionDistance(chain.end, head);
  }
  // Records that count towards maxsize then.
  uint64_t CountIn(const Chain& chain) const {
    uint64_t count = 0;
    for (const Place& place : chain.places) {
      if (count == 0 && IsFinished(place.record)) continue;
      if (place.record.state != kPadding) count++;
    }
    return count;
  }

 private:
  template <typename T>
  static T Raw(const Shared<T>& word) {
    return word.raw()->load(std::memory_order_seq_cst);
  }

  const RingSegment& segment_;
  RingWordFormat format_;
};

}  // namespace multiproc
