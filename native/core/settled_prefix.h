// SettledPrefix: what one consumer remembers of the chain behind `head`, so that it need not walk it at every get.
//
// While another process is slow or stopped with a record at head, the records that are consumed meanwhile pile up
// behind it, and a walk from head would pass all of them each time.
//
// Guarantee      Every record in [head, end) that is not among the open ones is finished (FREE, ABORTED or PADDING),
//                and a finished record stays so until head has passed it.
// Blocking       Never; private memory of one thread.
// Process death  Changes open records only (READING to READY, WRITING to ABORTED), and these are looked at every
//                time.
// Invariants     Positions are absolute, so a prefix that head has overtaken is seen to be so.
#pragma once

#include <cstdint>

#include "core/ring_word.h"

namespace multiproc {

class SettledPrefix {
 public:
  // More records than this are rarely open at a time; what lies behind them is then walked.
  static constexpr uint32_t kMost = 32;

  void StartAt(uint64_t head) {
    end_ = head;
    count_ = 0;
  }

  // Forgets what head has passed. False if that is everything.
  bool Follow(uint64_t head, uint64_t lines) {
    if (end_ == head || PositionDistance(end_, head) > lines) {
      StartAt(head);
      return false;
    }
    Keep([&](uint64_t position) { return PositionDistance(position, head) <= lines; });
    return true;
  }

  uint64_t end() const { return end_; }
  uint32_t count() const { return count_; }
  uint64_t open(uint32_t i) const { return open_[i]; }

  // Goes on over a finished record that begins at the end.
  void Settle(uint64_t lines) { end_ = (end_ + lines) & kPositionMask; }
  // Goes on over a record that begins at the end and is not finished. False if there is no room to remember it.
  bool Open(uint64_t lines) {
    if (count_ == kMost) return false;
    open_[count_++] = end_;
    Settle(lines);
    return true;
  }

  // Keeps those of the open records for which `wanted(position)` says so, in order.
  template <typename Wanted>
  void Keep(Wanted wanted) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count_; i++) {
      if (wanted(open_[i])) open_[kept++] = open_[i];
    }
    count_ = kept;
  }

 private:
  uint64_t end_ = 0;
  uint32_t count_ = 0;
  uint64_t open_[kMost];
};

}  // namespace multiproc
