#include <algorithm>

#include "core/ring.h"

namespace multiproc {

// ---- state -------------------------------------------------------------------------------------------------------

uint64_t Ring::Size() {
  uint64_t size = 0;
  Walk(
      [&](uint64_t, const RingRecord& record, uint64_t) {
        size += record.state == kReady ? 1 : 0;
        return true;
      },
      [&] { size = 0; });
  return size;
}

bool Ring::Empty() {
  bool empty = true;
  Walk([&](uint64_t, const RingRecord& record, uint64_t) {
    empty = record.state != kReady;
    return empty;
  });
  return empty;
}

bool Ring::Full() {
  AdvanceHead();
  return !HasRoom();
}

uint64_t Ring::UsedLines() const {
  const Cursor head = Head();  // first, so that it is not ahead of the tail
  return std::min(PositionDistance(Tail().position(), head.position()), lines_);
}

void Ring::ShutDown(bool immediate) {
  // ORDER(shutdown): seq_cst; set before the getters' scan, read by producers after their claim.
  control_->flags.FetchOr(immediate ? kQueueShutDown | kQueueImmediate : kQueueShutDown);
  registry_->RingEverybody();
}

void Ring::OpenEnd(End end, bool silent) {
  const uint32_t self = registry_->self();
  control_->end_users[end][self / 64].FetchOr(uint64_t{1} << self % 64);
  if (!silent && (Flags() & kQueueHasEnds) == 0) control_->flags.FetchOr(kQueueHasEnds);
}

void Ring::CloseEnd(End end, uint32_t participant) {
  const uint64_t bit = uint64_t{1} << participant % 64;
  Shared<uint64_t>& users = control_->end_users[end][participant / 64];
  if ((users.Load(std::memory_order_seq_cst) & bit) == 0) return;
  // ORDER(ends): after everything that this user committed.
  users.FetchAnd(~bit);
  if (!HasUsers(end)) registry_->RingEverybody();
}

bool Ring::HasUsers(End end) const {
  for (uint32_t word = 0; word * 64 < registry_->count(); word++) {
    if (control_->end_users[end][word].Load(std::memory_order_seq_cst) != 0) return true;
  }
  return false;
}

bool Ring::Uses(End end, uint32_t participant) const {
  if (participant >= registry_->count()) return false;
  const uint64_t users = control_->end_users[end][participant / 64].Load(std::memory_order_seq_cst);
  return (users >> participant % 64 & 1) != 0;
}

void Ring::Call(uint32_t participant) {
  // ORDER(wait-dekker): the caller has changed what the participant waits for with a seq_cst write.
  if (participant < registry_->count() && Waiters(kJoin).Disarm(participant)) registry_->Ring(participant);
}

void Ring::Drain(std::vector<uint64_t>* spilled) {
  Walk([&](uint64_t position, const RingRecord& record, uint64_t word) {
    if (record.state != kReady) return true;
    RingRecord mine = record;
    mine.state = kReading;
    mine.owner = registry_->self();
    uint64_t expected = word;
    const uint64_t claimed = format_.Pack(mine);
    if (!Word(position).CompareExchange(expected, claimed)) return true;
    if ((record.flags & kSpilledFlag) != 0) spilled->push_back(*reinterpret_cast<uint64_t*>(Bytes(position)));
    if (counted_) CountDone(position);
    Finish({position, record.length(), record.flags, 0, Bytes(position), claimed}, kFree);
    return true;
  });
  AdvanceHead();
  if (counted_ && Unfinished() == 0) Waiters(kJoin).RingAll(*registry_);
}

uint64_t Ring::Unfinished() const {
  // ORDER(unfinished): what is done first. Puts made while we add up then count too much, never too little, so 0 is
  // exact.
  uint64_t done = control_->done.Load(std::memory_order_seq_cst);
  uint64_t puts = 0;
  for (uint32_t i = 0; i < registry_->count(); i++)
    done += CountOf(registry_->slot(i).dones.Load(std::memory_order_seq_cst));
  for (uint32_t i = 0; i < registry_->count(); i++)
    puts += CountOf(registry_->slot(i).counted.Load(std::memory_order_seq_cst));
  return (puts - done) & 0xffffffff;
}

Status Ring::TaskDone() {
  for (;;) {
    uint64_t done = control_->done.Load(std::memory_order_seq_cst);
    if (Unfinished() == 0) return kOverRelease;
    // ORDER(unfinished): one step, so a death leaves it done or not done.
    if (control_->done.CompareExchange(done, done + 1)) break;
  }
  if (Unfinished() == 0) Waiters(kJoin).RingAll(*registry_);
  return kOk;
}

void Ring::CountDone(uint64_t position) {
  // ORDER(unfinished): the count and the record it stands for change in one store, as at the commit.
  Shared<uint64_t>& dones = registry_->slot(registry_->self()).dones;
  const uint64_t count = CountOf(dones.Load(std::memory_order_relaxed));  // relaxed: written by us alone
  dones.Store((count + 1) << 32 | MarkOf(position), std::memory_order_seq_cst);
}

Status Ring::ReleaseDone(uint64_t position) {
  Claim claim;
  if (!counted_ || Find(position, kReading, &claim) != kOk) return kNotOwner;
  if (Unfinished() == 0) return kOverRelease;
  CountDone(position);
  Release(claim);
  if (Unfinished() == 0) Waiters(kJoin).RingAll(*registry_);
  return kOk;
}

bool Ring::HasRoom() {
  for (;;) {
    const Cursor tail = Tail();
    const bool room = !NoRoom(tail, 1);
    // Read apart, tail and head do not belong together if the tail has moved.
    if (Tail().raw == tail.raw) return room;
  }
}

bool Ring::WorthRinging(int which) {
  if (which == kData) return HasReady();
  if (which == kSpace) return HasRoom();
  return Unfinished() == 0;
}

void Ring::PassOn(int which) {
  WaitQueue waiters = Waiters(which);
  if (!waiters.MayHaveWaiters() || (which == kData && Watched())) return;
  if (WorthRinging(which)) waiters.RingOne(*registry_);
}

bool Ring::DataManners::Begin() {
  // Whoever waits alone must be woken: it has nobody to spare, and everybody waits for it.
  if (!ring_->Waiters(kData).HasOthers(ring_->registry_->self()) || !ring_->habit_.Wants()) return false;
  first_ = ring_->Tail();
  seen_ = ring_->Head();
  return watch_.Take(MonotonicNanos());
}

bool Ring::DataManners::GoOn() {
  const Cursor head = ring_->Head();
  taken_ = SequenceDistance(head.sequence(), seen_.sequence());
  seen_ = head;
  idle_ = taken_ == 0 ? idle_ + 1 : 0;
  return idle_ <= kIdleLooks && watch_.Renew(MonotonicNanos());
}

WaitManners::Nap Ring::DataManners::NextNap() {
  if (!(watch_.kept() ? GoOn() : Begin())) return {};
  const uint64_t lying = SequenceDistance(ring_->Tail().sequence(), seen_.sequence());
  const bool leaves = taken_ >= kBrisk && taken_ >= lying && left_ < kMostLeft;
  left_ = leaves ? left_ + 1 : 0;
  return {Watch::kNap, !leaves};
}

void Ring::DataManners::NapsEnd() {
  if (!watch_.kept()) return;
  watch_.GiveUp();
  ring_->habit_.Learn(SequenceDistance(ring_->Tail().sequence(), first_.sequence()));
  if (taken_ >= kBrisk) return;
  // Their producers woke nobody. One wake may go to somebody who cannot act at once, such as a busy event loop.
  WaitQueue waiters = ring_->Waiters(kData);
  const uint64_t head = ring_->Head().sequence();
  const uint64_t lying = std::min(SequenceDistance(ring_->Tail().sequence(), head), kMostWoken);
  for (uint64_t i = 1; i < lying && waiters.MayHaveWaiters() && ring_->HasReady(); i++) {
    waiters.RingOne(*ring_->registry_);
  }
}

// ---- repair ------------------------------------------------------------------------------------------------------

void Ring::Repair(uint32_t participant) {
  bool any = false;
  Walk([&](uint64_t position, const RingRecord& record, uint64_t word) {
    if (record.owner != participant) return true;
    RegistrySlot& slot = registry_->slot(participant);
    RingRecord repaired = record;
    repaired.owner = 0;
    if (record.state == kWriting) {
      // Its owner may have died before it moved the tail; head must not pass the tail.
      const Cursor tail = Tail();
      if (tail.position() == position) HelpTail(tail, record);
      // ORDER(unfinished): take back a put that was counted but not committed; the mark goes with the count, so doing
      // this twice takes back once.
      const uint64_t puts = slot.counted.Load(std::memory_order_seq_cst);
      if (counted_ && IsMarked(puts, position))
        slot.counted.Store((CountOf(puts) - 1) << 32, std::memory_order_seq_cst);
      repaired.state = kAborted;
    } else if (record.state == kReading) {
      // Counted as done already: it died before it could say so here. Otherwise the message has not been seen, or is to
      // be done again.
      const bool done = counted_ && IsMarked(slot.dones.Load(std::memory_order_seq_cst), position);
      repaired.state = done ? kFree : kReady;
    } else {
      return true;
    }
    uint64_t expected = word;
    Word(position).CompareExchange(expected, format_.Pack(repaired));
    any = true;
    return true;
  });
  for (int q = 0; q < kWaitQueues; q++) Waiters(q).Disarm(participant);
  // After its records: who finds an end without users must not find a message that is still being written.
  for (const End end : {kReceiving, kSending}) CloseEnd(end, participant);
  if (!any) return;
  AdvanceHead();
  for (int q = 0; q < kWaitQueues; q++) Waiters(q).RingAll(*registry_);
}

std::vector<uint32_t> Ring::Busy() {
  std::vector<uint32_t> busy;
  Walk([&](uint64_t, const RingRecord& record, uint64_t) {
    if ((record.state == kWriting || record.state == kReading) && record.owner < registry_->count()) {
      busy.push_back(record.owner);
    }
    return true;
  });
  return busy;
}

}  // namespace multiproc
