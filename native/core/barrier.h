// Barrier: a meeting point for a fixed number of parties.
//
// Guarantee      Nobody passes before all have arrived; each round is released, reset or broken as a whole; who waits
//                learns which.
// Blocking       Arrive never; waiting through BlockUntil.
// Process death  Of a party that has arrived and not been released: the barrier is broken, so that the others learn
//                it.
// Memory order   ORDER(barrier): what any party wrote before it arrived is visible to all after the release. Layout
//                SyncBody.wide = round(28) | history(16) | arrived(16) | flags(4), where bit j of history says that
//                the round j + 1 before this one was reset; slot[i] = low 16 bits of the round << 16 | 1 if
//                participant i has arrived in it; BlockFacts.parameter[0] = parties.
#pragma once

#include "core/arena.h"
#include "core/status.h"

namespace multiproc {

// Names one round.
using BarrierRound = uint32_t;

class Barrier {
 public:
  enum class Arrival { kWait, kLast, kBroken, kBusy };

  explicit Barrier(Block block) : block_(block), body_(block.sync()) {}

  // kLast: the caller completes the round with Finish (or breaks it). kBusy: the last party of this round is running
  // its action.
  Arrival Arrive(uint32_t* index, BarrierRound* round);
  // kOk released, kBroken, kAgain.
  Status Test(BarrierRound round) const;
  // Releases that round, which the caller completed; what became of it if somebody reset or broke it meanwhile.
  Status Finish(BarrierRound round);
  // Breaks that round if it still waits: kBroken, or kOk if it was released.
  Status Break(BarrierRound round);
  void Abort();
  void Reset();
  uint32_t Waiting() const;
  bool broken() const;

  void Repair(uint32_t participant);

 private:
  struct State {
    uint32_t round, history, arrived, flags;
  };
  static constexpr uint32_t kBroken = 1, kAction = 2;
  static constexpr uint32_t kRoundMask = (1u << 28) - 1;
  static constexpr uint32_t kHistoryBits = 16;
  // Ends the round of `state` and begins the next.
  static void NextRound(State& state, bool reset);
  static State Unpack(uint64_t word);
  static uint64_t Pack(const State& state);
  uint64_t Word() const { return body_.wide.Load(std::memory_order_seq_cst); }
  // Repeats `change` on the state until its CAS succeeds; change returns false to give up.
  template <typename Change>
  bool Update(Change change);
  void WakeAll();

  Block block_;
  SyncBody& body_;
};

}  // namespace multiproc
