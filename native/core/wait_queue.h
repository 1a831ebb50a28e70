// WaitQueue: who waits for one condition, as a two-level bitmap of participants.
//
// Guarantee      A participant that is armed and then finds its condition false is rung by the first waker that makes
//                it true afterwards (models/wait.pml).
// Blocking       Never; RingOne and RingAll make one futex call per participant rung.
// Process death  A dead waiter's bit costs its next waker one futex call that wakes nobody; the waker then rings the
//                next.
// Memory order   All read-modify-writes are seq_cst. ORDER(wait-dekker): the waiter registers, then looks at the
//                condition; the waker changes the condition with a seq_cst write, then looks at the summary. At least
//                one sees the other.
// Invariants     A set bit in bits[w] implies, once its Arm has returned, a set bit w in the summary. The summary
//                alone is read when nobody waits.
#pragma once

#include <cstdint>

#include "core/registry.h"
#include "core/shared_word.h"

namespace multiproc {

class WaitQueue {
 public:
  WaitQueue(Shared<uint32_t>* summary, Shared<uint64_t>* bits, uint32_t words)
      : summary_(summary), bits_(bits), words_(words) {}

  void Arm(uint32_t participant);
  // True if the participant was still armed; false if a waker had chosen it.
  bool Disarm(uint32_t participant);

  // ORDER(wait-dekker): pairs with Arm; the caller has just made the condition true with a seq_cst write.
  bool MayHaveWaiters() const { return summary_->Load(std::memory_order_seq_cst) != 0; }

  // Is anybody else registered now? The summary alone does not say: it stays set until a waker finds nobody.
  bool HasOthers(uint32_t me) const;

  // Wakes one sleeping participant, skipping those that turn out not to sleep. True if one was woken.
  bool RingOne(Registry& registry);
  void RingAll(Registry& registry);
  // Participants registered now; statistics.
  uint32_t Count() const;

 private:
  // Takes one armed participant out, starting the search behind `after`; kNobody if none.
  static constexpr uint32_t kNobody = UINT32_MAX;
  uint32_t TakeOne(uint32_t after);

  Shared<uint32_t>* summary_;
  Shared<uint64_t>* bits_;
  uint32_t words_;
};

}  // namespace multiproc
