#include "core/barrier.h"

namespace multiproc {
namespace {

constexpr uint32_t RoundTag(uint32_t round) { return (round & 0xffff) << 16; }

}  // namespace

Barrier::State Barrier::Unpack(uint64_t word) {
  return {static_cast<uint32_t>(word >> 36), static_cast<uint32_t>(word >> 20) & 0xffff,
          static_cast<uint32_t>(word >> 4) & 0xffff, static_cast<uint32_t>(word & 15)};
}

uint64_t Barrier::Pack(const State& s) {
  return uint64_t{s.round} << 36 | uint64_t{s.history} << 20 | uint64_t{s.arrived} << 4 | s.flags;
}

void Barrier::NextRound(State& s, bool reset) {
  s.round = (s.round + 1) & kRoundMask;
  s.history = ((s.history << 1) | (reset ? 1 : 0)) & ((1u << kHistoryBits) - 1);
  s.arrived = 0;
  s.flags = 0;
}

template <typename Change>
bool Barrier::Update(Change change) {
  uint64_t word = Word();
  for (;;) {
    State state = Unpack(word);
    if (!change(state)) return false;
    if (body_.wide.CompareExchange(word, Pack(state))) return true;  // ORDER(barrier)
  }
}

void Barrier::WakeAll() {
  WaitQueue waiters = block_.waiters();
  if (waiters.MayHaveWaiters()) waiters.RingAll(block_.registry());
}

Barrier::Arrival Barrier::Arrive(uint32_t* index, BarrierRound* round) {
  const uint32_t parties = static_cast<uint32_t>(block_.facts().parameter[0]);
  Shared<uint32_t>& mine = block_.slot(block_.registry().self());
  Arrival arrival = Arrival::kWait;
  Update([&](State& s) {
    if ((s.flags & kBroken) != 0 || (s.flags & kAction) != 0) {
      arrival = (s.flags & kBroken) != 0 ? Arrival::kBroken : Arrival::kBusy;
      return false;
    }
    // Registered before it is counted: if we die in between, the reaper breaks a round that it need not have broken,
    // but never leaves one waiting for a dead party.
    const uint32_t tag = RoundTag(s.round);
    const uint32_t slot = mine.Load(std::memory_order_relaxed);  // relaxed: written by us alone
    if ((slot & 0xffff0000) != tag || (slot & 0xffff) == 0) mine.Store(tag | 1, std::memory_order_seq_cst);
    *index = s.arrived;
    s.arrived = (s.arrived + 1) & 0xffff;
    *round = s.round;
    arrival = s.arrived >= parties ? Arrival::kLast : Arrival::kWait;
    if (arrival == Arrival::kLast) s.flags |= kAction;
    return true;
  });
  return arrival;
}

Status Barrier::Test(BarrierRound round) const {
  const State s = Unpack(Word());  // ORDER(barrier)
  const uint32_t ago = (s.round - round) & kRoundMask;
  if (ago == 0) return (s.flags & kBroken) != 0 ? Status::kBroken : kAgain;
  // Who comes back after more rounds than the history holds is told the worse of what is known.
  const bool reset = ago <= kHistoryBits ? (s.history >> (ago - 1) & 1) != 0 : s.history != 0;
  return reset ? Status::kBroken : kOk;
}

Status Barrier::Finish(BarrierRound round) {
  const bool done = Update([&](State& s) {
    if (s.round != round || (s.flags & kAction) == 0 || (s.flags & kBroken) != 0) return false;
    NextRound(s, false);
    return true;
  });
  if (!done) return Test(round) == kOk ? kOk : Status::kBroken;
  body_.acquired.FetchAdd(1);
  WakeAll();
  return kOk;
}

Status Barrier::Break(BarrierRound round) {
  const bool done = Update([&](State& s) {
    if (s.round != round || (s.flags & kBroken) != 0) return false;
    s.flags |= kBroken;
    return true;
  });
  if (done) WakeAll();
  const Status status = Test(round);
  return status == kOk ? kOk : Status::kBroken;
}

void Barrier::Abort() {
  Update([](State& s) {
    s.flags |= kBroken;
    return true;
  });
  WakeAll();
}

void Barrier::Reset() {
  Update([](State& s) {
    NextRound(s, true);
    return true;
  });
  WakeAll();
}

uint32_t Barrier::Waiting() const {
  const State s = Unpack(Word());
  return (s.flags & (kBroken | kAction)) != 0 ? 0 : s.arrived;
}

bool Barrier::broken() const { return (Unpack(Word()).flags & kBroken) != 0; }

void Barrier::Repair(uint32_t participant) {
  const uint32_t slot = block_.slot(participant).Load(std::memory_order_seq_cst);
  if ((slot & 0xffff) == 0) return;
  const bool done = Update([&](State& s) {
    // Only if the dead one had arrived in the round that waits now.
    if ((slot & 0xffff0000) != RoundTag(s.round) || s.arrived == 0 || (s.flags & kBroken) != 0) return false;
    s.flags |= kBroken;
    return true;
  });
  block_.slot(participant).Store(0, std::memory_order_seq_cst);
  if (done) WakeAll();
}

}  // namespace multiproc
