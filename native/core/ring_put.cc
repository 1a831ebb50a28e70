// The producing half of the ring; contract in ring.h.
#include "core/ring.h"
#include "platform/fault_point.h"

namespace multiproc {

bool Ring::HelpTail(Cursor tail, const RingRecord& record) {
  uint64_t expected = tail.raw;
  return control_->tail.CompareExchange(expected, tail.Advanced(record.lines, record.state == kPadding ? 0 : 1).raw);
}

bool Ring::NoRoom(Cursor tail, uint64_t lines) {
  // An old head is behind the real one, so what has room after it has room. Looking at the real one would take its line
  // from the consumers at every put.
  if (maxsize_ == 0 && PositionDistance(tail.position(), head_seen_) + lines <= lines_) return false;
  const Cursor head = Head();
  head_seen_ = head.position();
  if (PositionDistance(tail.position(), head.position()) + lines > lines_) return true;
  return maxsize_ != 0 && SequenceDistance(tail.sequence(), head.sequence()) >= maxsize_;
}

Status Ring::TryReserve(uint64_t length, Claim* claim) {
  if (length > MostBytes()) return kTooLarge;
  const uint64_t lines = length == 0 ? 1 : (length + kLineBytes - 1) / kLineBytes;
  const uint32_t pad = static_cast<uint32_t>(lines * kLineBytes - length);
  for (;;) {
    if (poisoned()) return kPoisoned;
    const Cursor tail = Tail();
    const uint64_t t = tail.position();
    // ORDER(claim): acquire, so that what is read below is not older than the word.
    uint64_t word = Word(t).Load(std::memory_order_seq_cst);
    const RingRecord old = format_.Unpack(word);
    if (old.lap == format_.Lap(t)) {
      // Somebody claimed here and has not moved the tail yet.
      if (!RingWordFormat::Plausible(old, lines_)) {
        if (Tail().raw == tail.raw) return Poison();
        continue;
      }
      HelpTail(tail, old);
      continue;
    }
    // If tail is still t, no record of this lap stood here when the word was read: the word is old, whatever it says.
    if (Tail().raw != tail.raw) continue;
    if (NoRoom(tail, lines)) {
      if (AdvanceHead() > 0) continue;
      // Full only if nothing moved since the tail was read; a stale tail can look arbitrarily full.
      if (!NoRoom(tail, lines)) continue;
      const uint64_t used = PositionDistance(t, Head().position());
      if (Tail().raw != tail.raw) continue;
      // (Up to one ring too far: a tag that was stale by a whole cycle of laps moves the tail like an aborted record.)
      if (used > 2 * lines_) return Poison();
      return IsDeaf(Flags()) ? kShutDown : kAgain;
    }
    const RingRecord mine{format_.Lap(t), 0, kWriting, registry_->self(), lines, pad};
    // ORDER(claim): position, owner and length in one step; from here on a reaper can attribute the record.
    const uint64_t claimed = format_.Pack(mine);
    if (!Word(t).CompareExchange(word, claimed)) continue;
    HelpTail(tail, mine);
    *claim = {t, length, 0, 0, Bytes(t), claimed};
    // After the claim, so that whoever saw the flag first also sees our claim, or we see the flag (ORDER(shutdown)).
    if (IsDeaf(Flags())) {
      Abort(t);
      return kShutDown;
    }
    return kOk;
  }
}

Status Ring::Commit(const Claim& claim, uint64_t length, uint32_t flags) {
  const uint64_t position = claim.position;
  RingRecord record = format_.Unpack(claim.word);
  if (length > record.lines * kLineBytes) return kTooLarge;
  const uint64_t lines = length == 0 ? 1 : (length + kLineBytes - 1) / kLineBytes;
  if (lines < record.lines) {
    // ORDER(padding): the rest becomes a record of its own before anybody can be told that ours is shorter.
    const uint64_t rest = (position + lines) & kPositionMask;
    Word(rest).Exchange(format_.Pack({format_.Lap(rest), 0, kPadding, 0, record.lines - lines, 0}));
  }
  RegistrySlot& slot = registry_->slot(registry_->self());
  if (counted_) {
    attempts_[Index(position)] = 0;
    FAULT_POINT();
    // The number of puts and the position being committed change in one store, so that a reaper that finds this record
    // WRITING knows whether it was counted.
    const uint64_t puts = CountOf(slot.counted.Load(std::memory_order_relaxed));  // relaxed: written by us alone
    slot.counted.Store((puts + 1) << 32 | MarkOf(position), std::memory_order_seq_cst);
  }
  record.state = kReady;
  record.owner = 0;
  record.flags = flags;
  record.lines = lines;
  record.pad = static_cast<uint32_t>(lines * kLineBytes - length);
  // ORDER(commit): releases the bytes; seq_cst for ORDER(wait-dekker).
  Word(position).Exchange(format_.Pack(record));
  slot.puts.Bump();
  WaitQueue data = Waiters(kData);
  if (data.MayHaveWaiters() && !Watched()) data.RingOne(*registry_);
  // A wake for space may have been meant for more than one producer.
  PassOn(kSpace);
  return kOk;
}

Status Ring::Commit(uint64_t position, uint64_t length, uint32_t flags) {
  Claim claim;
  if (Find(position, kWriting, &claim) != kOk) return kNotOwner;
  return Commit(claim, length, flags);
}

Status Ring::Abort(uint64_t position) {
  Claim claim;
  if (Find(position, kWriting, &claim) != kOk) return kNotOwner;
  Finish(claim, kAborted);
  AdvanceHead();
  if (IsEnding()) Waiters(kData).RingAll(*registry_);
  return kOk;
}

}  // namespace multiproc
