#include "core/barrier.h"

namespace multiproc {
namespace {

constexpr uint32_t RoundTag(uint32_t releases, uint32_t resets) { return ((releases + resets) & 0xffff) << 16; }

}  // namespace

Barrier::State Barrier::Unpack(uint64_t word) {
  return {static_cast<uint32_t>(word >> 42), static_cast<uint32_t>(word >> 20) & kRoundMask,
          static_cast<uint32_t>(word >> 4) & 0xffff, static_cast<uint32_t>(word & 15)};
}

uint64_t Barrier::Pack(const State& s) {
  return uint64_t{s.resets & kRoundMask} << 42 | uint64_t{s.releases & kRoundMask} << 20 | uint64_t{s.arrived} << 4 | s.flags;
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
  const uint32_t parties = static_cast<uint32_t>(block_.header().parameter[0]);
  Shared<uint32_t>& mine = block_.slot(block_.registry().self());
  Arrival arrival = Arrival::kWait;
  Update([&](State& s) {
    if ((s.flags & kBroken) != 0 || (s.flags & kAction) != 0) {
      arrival = (s.flags & kBroken) != 0 ? Arrival::kBroken : Arrival::kBusy;
      return false;
    }
    // Registered before it is counted: if we die in between, the reaper breaks a round that it need not have broken, but
    // never leaves one waiting for a dead party.
    const uint32_t tag = RoundTag(s.releases, s.resets);
    const uint32_t slot = mine.Load(std::memory_order_relaxed);  // relaxed: written by us alone
    if ((slot & 0xffff0000) != tag || (slot & 0xffff) == 0) mine.Store(tag | 1, std::memory_order_seq_cst);
    *index = s.arrived++;
    *round = s.round();
    arrival = s.arrived >= parties ? Arrival::kLast : Arrival::kWait;
    if (arrival == Arrival::kLast) s.flags |= kAction;
    return true;
  });
  return arrival;
}

Status Barrier::Test(BarrierRound round) const {
  const State s = Unpack(Word());  // ORDER(barrier)
  if (s.resets != round.resets) return Status::kBroken;
  if (s.releases != round.releases) return kOk;
  return (s.flags & kBroken) != 0 ? Status::kBroken : kAgain;
}

Status Barrier::Finish() {
  const bool done = Update([](State& s) {
    if ((s.flags & kAction) == 0 || (s.flags & kBroken) != 0) return false;
    s.releases = (s.releases + 1) & kRoundMask;
    s.arrived = 0;
    s.flags = 0;
    return true;
  });
  if (!done) return Status::kBroken;
  body_.acquired.FetchAdd(1);
  WakeAll();
  return kOk;
}

Status Barrier::Break(BarrierRound round) {
  const bool done = Update([&](State& s) {
    if (s.resets != round.resets || s.releases != round.releases || (s.flags & kBroken) != 0) return false;
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
    s.resets = (s.resets + 1) & kRoundMask;
    s.arrived = 0;
    s.flags = 0;
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
    if ((slot & 0xffff0000) != RoundTag(s.releases, s.resets) || s.arrived == 0 || (s.flags & kBroken) != 0) return false;
    s.flags |= kBroken;
    return true;
  });
  block_.slot(participant).Store(0, std::memory_order_seq_cst);
  if (done) WakeAll();
}

}  // namespace multiproc
