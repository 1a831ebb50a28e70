#include "core/wait_queue.h"

#include <bit>

namespace multiproc {

void WaitQueue::Arm(uint32_t participant) {
  // ORDER(wait-dekker): bit, then summary, then (in the caller) the condition.
  bits_[participant / 64].FetchOr(uint64_t{1} << (participant % 64));
  summary_->FetchOr(1u << (participant / 64));
}

bool WaitQueue::Disarm(uint32_t participant) {
  const uint64_t bit = uint64_t{1} << (participant % 64);
  return (bits_[participant / 64].FetchAnd(~bit) & bit) != 0;
}

bool WaitQueue::HasOthers(uint32_t me) const {
  const uint32_t summary = summary_->Load(std::memory_order_seq_cst);
  for (uint32_t w = 0; w < words_; w++) {
    if ((summary >> w & 1) == 0) continue;
    uint64_t bits = bits_[w].Load(std::memory_order_seq_cst);
    if (w == me / 64) bits &= ~(uint64_t{1} << (me % 64));
    if (bits != 0) return true;
  }
  return false;
}

uint32_t WaitQueue::TakeOne(uint32_t after) {
  for (;;) {
    const uint32_t summary = summary_->Load(std::memory_order_seq_cst) & ((1u << words_) - 1);
    if (summary == 0) return kNobody;
    // Rotate, so that low numbers are not always served first.
    const uint32_t start = (after / 64) % words_;
    const uint32_t rotated = (summary >> start) | (summary << (words_ - start));
    const uint32_t w = (start + static_cast<uint32_t>(std::countr_zero(rotated))) % words_;
    uint64_t bits = bits_[w].Load(std::memory_order_seq_cst);
    if (bits == 0) {
      // Clear the summary, then look again: a waiter that armed in between has set its bit before our second look,
      // or sets the summary after our clearing.
      summary_->FetchAnd(~(1u << w));
      if (bits_[w].Load(std::memory_order_seq_cst) != 0) summary_->FetchOr(1u << w);
      continue;
    }
    const uint32_t shift = w == start ? (after + 1) % 64 : 0;
    const uint32_t b = (static_cast<uint32_t>(std::countr_zero(std::rotr(bits, static_cast<int>(shift)))) + shift) % 64;
    const uint64_t bit = uint64_t{1} << b;
    if ((bits_[w].FetchAnd(~bit) & bit) != 0) return w * 64 + b;
  }
}

bool WaitQueue::RingOne(Registry& registry) {
  // Bounded: a participant that re-arms while we ring others must not keep us here.
  for (uint32_t tries = 0; tries <= words_ * 64; tries++) {
    const uint32_t who = TakeOne(registry.last_rung());
    if (who == kNobody) return false;
    registry.set_last_rung(who);
    if (registry.Ring(who)) return true;
  }
  return false;
}

void WaitQueue::RingAll(Registry& registry) {
  for (uint32_t tries = 0; tries <= words_ * 64; tries++) {
    const uint32_t who = TakeOne(registry.last_rung());
    if (who == kNobody) return;
    registry.set_last_rung(who);
    registry.Ring(who);
  }
}

uint32_t WaitQueue::Count() const {
  uint32_t count = 0;
  for (uint32_t w = 0; w < words_; w++) {
    count += static_cast<uint32_t>(std::popcount(bits_[w].Load(std::memory_order_relaxed)));  // relaxed: statistics
  }
  return count;
}

}  // namespace multiproc
