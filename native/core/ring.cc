#include "core/ring.h"

#include <bit>

namespace multiproc {
namespace {

constexpr uint64_t kControlBytes = 4096;

// Words that a consumer stepped over because their producers had not committed yet.
constexpr size_t kMaxSkipped = 64;

// Which record a participant is committing, or dropping, as kept beside its number of puts; never 0, which means none.
constexpr uint64_t CommitMark(uint64_t position) { return (position << 2 | 1) & 0xffffffff; }
constexpr uint64_t DropMark(uint64_t position) { return (position << 2 | 2) & 0xffffffff; }

}  // namespace

RingPlaces RingPlaces::Of(uint64_t lines, bool counted) {
  RingPlaces places;
  places.states = kControlBytes;
  const uint64_t states_end = places.states + lines * sizeof(uint64_t);
  places.attempts = counted ? states_end : 0;
  places.data = RoundUp(states_end + (counted ? lines : 0), 4096);
  places.total = places.data + lines * kLineBytes;
  return places;
}

Ring::Ring(char* body, Registry* registry, Shared<uint32_t>* poisoned, uint64_t lines, uint64_t maxsize, bool counted)
    : control_(reinterpret_cast<QueueControl*>(body)),
      registry_(registry),
      poisoned_(poisoned),
      lines_(lines),
      maxsize_(maxsize > kMaxsizeMost ? 0 : maxsize),
      counted_(counted),
      format_(static_cast<uint32_t>(std::countr_zero(lines))) {
  const RingPlaces places = RingPlaces::Of(lines, counted);
  states_ = reinterpret_cast<Shared<uint64_t>*>(body + places.states);
  attempts_ = counted ? reinterpret_cast<uint8_t*>(body + places.attempts) : nullptr;
  data_ = body + places.data;
}

void Ring::Format(char* body, uint64_t lines, bool counted, uint64_t start) {
  auto* control = reinterpret_cast<QueueControl*>(body);
  const RingWordFormat format(static_cast<uint32_t>(std::countr_zero(lines)));
  auto* states = reinterpret_cast<Shared<uint64_t>*>(body + RingPlaces::Of(lines, counted).states);
  // relaxed: nobody else can see the segment before it is published
  const Cursor cursor = Cursor::Of(start, 0);
  control->tail.Store(cursor.raw, std::memory_order_relaxed);
  control->head.Store(cursor.raw, std::memory_order_relaxed);
  // Free words of the lap before the one in which each line is used first.
  const uint64_t word = format.Pack({format.Lap(start - lines), 0, kFree, 0, 1, 0});
  const uint64_t later = format.Pack({format.Lap(start), 0, kFree, 0, 1, 0});
  const uint64_t split = start & (lines - 1);
  for (uint64_t i = 0; i < lines; i++) {
    const uint64_t at = (i & ~uint64_t{63}) | ((i & 7) << 3) | ((i >> 3) & 7);
    states[at].Store(i < split ? later : word, std::memory_order_relaxed);
  }
}

Status Ring::Poison() {
  if (poisoned_->Exchange(1) == 0) registry_->RingEverybody();
  return kPoisoned;
}

WaitQueue Ring::Waiters(int which) {
  return WaitQueue(&control_->waiter_summary[which], control_->waiter_bits[which], registry_->words());
}

// ---- producing ---------------------------------------------------------------------------------------------------

bool Ring::HelpTail(Cursor tail, const RingRecord& record) {
  uint64_t expected = tail.raw;
  return control_->tail.CompareExchange(expected, tail.Advanced(record.lines, record.state == kPadding ? 0 : 1).raw);
}

bool Ring::NoRoom(Cursor tail, uint64_t lines) const {
  const Cursor head = Head();
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
      if (used > lines_) return Poison();
      return (QueueFlags() & kQueueShutDown) != 0 ? kShutDown : kAgain;
    }
    const RingRecord mine{format_.Lap(t), 0, kWriting, registry_->self(), lines, pad};
    // ORDER(claim): position, owner and length in one step; from here on a reaper can attribute the record.
    if (!Word(t).CompareExchange(word, format_.Pack(mine))) continue;
    HelpTail(tail, mine);
    // After the claim, so that whoever saw the flag first also sees our claim, or we see the flag (ORDER(shutdown)).
    if ((QueueFlags() & kQueueShutDown) != 0) {
      Abort(t);
      return kShutDown;
    }
    claim->position = t;
    claim->length = length;
    claim->flags = 0;
    claim->bytes = Bytes(t);
    return kOk;
  }
}

Status Ring::Commit(uint64_t position, uint64_t length, uint32_t flags) {
  Claim claim;
  if (Find(position, kWriting, &claim) != kOk) return kNotOwner;
  const uint64_t word = Word(position).Load(std::memory_order_relaxed);  // relaxed: ours, only a reaper may change it
  RingRecord record = format_.Unpack(word);
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
    // The number of puts and the position being committed change in one store, so that a reaper that finds this record WRITING
    // knows whether it was counted.
    const uint64_t puts = slot.counted.Load(std::memory_order_relaxed) >> 32;  // relaxed: written by us alone
    slot.counted.Store((puts + 1) << 32 | CommitMark(position), std::memory_order_seq_cst);
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
  if (data.MayHaveWaiters()) data.RingOne(*registry_);
  // A wake for space may have been meant for more than one producer.
  PassOn(kSpace);
  return kOk;
}

Status Ring::Abort(uint64_t position) {
  if (Finish(position, kWriting, kAborted) != kOk) return kNotOwner;
  AdvanceHead();
  if (QueueFlags() != 0) Waiters(kData).RingAll(*registry_);
  return kOk;
}

// ---- consuming ---------------------------------------------------------------------------------------------------

uint32_t Ring::AdvanceHead() {
  uint32_t passed = 0;
  // Bounded: others may free as fast as we advance.
  for (uint64_t step = 0; step < lines_; step++) {
    const Cursor head = Head();
    const uint64_t h = head.position();
    // ORDER(space): acquire of FREE, then the CAS of head hands it on.
    const RingRecord record = format_.Unpack(Word(h).Load(std::memory_order_seq_cst));
    if (record.lap != format_.Lap(h)) break;
    if (record.state != kFree && record.state != kAborted && record.state != kPadding) break;
    if (!RingWordFormat::Plausible(record, lines_)) {
      if (Head().raw != head.raw) continue;
      Poison();
      break;
    }
    uint64_t expected = head.raw;
    // ORDER(space): releases the lines to the producer that reads this head.
    if (control_->head.CompareExchange(expected, head.Advanced(record.lines, record.state == kPadding ? 0 : 1).raw)) {
      passed++;
    }
  }
  if (passed > 0) {
    WaitQueue space = Waiters(kSpace);
    if (space.MayHaveWaiters()) space.RingOne(*registry_);
  }
  return passed;
}

Status Ring::TryClaim(uint64_t room, Claim* claim) {
  for (;;) {
    if (poisoned()) return kPoisoned;
    // ORDER(shutdown): read before the scan; a producer that claims later sees the flag and gives up.
    const uint32_t flags = QueueFlags();
    if ((flags & kQueueImmediate) != 0) return kShutDown;
    const Cursor head = Head();
    uint64_t position = head.position();
    struct {
      uint64_t position;
      uint64_t word;
    } skipped[kMaxSkipped];
    size_t skips = 0;
    bool restart = false;
    bool at_head = true;
    bool others_reading = false;
    while (PositionDistance(position, head.position()) < lines_) {
      uint64_t word = Word(position).Load(std::memory_order_seq_cst);
      RingRecord record = format_.Unpack(word);
      if (record.lap != format_.Lap(position)) break;
      if (!RingWordFormat::Plausible(record, lines_)) {
        if (Head().raw == head.raw) return Poison();
        restart = true;
        break;
      }
      if (record.state == kReady) {
        // A producer that we passed may have committed both the passed record and this one since: take the older first.
        for (size_t i = 0; i < skips && !restart; i++) {
          restart = Word(skipped[i].position).Load(std::memory_order_seq_cst) != skipped[i].word;
        }
        if (restart) break;
        claim->length = record.length();
        if (claim->length > room && (record.flags & kSpilledFlag) == 0) return kNoRoom;
        record.state = kReading;
        record.owner = registry_->self();
        // ORDER(commit): acquires the bytes.
        if (!Word(position).CompareExchange(word, format_.Pack(record))) {
          restart = true;
          break;
        }
        claim->position = position;
        claim->flags = record.flags;
        claim->bytes = Bytes(position);
        return kOk;
      }
      if (record.state == kWriting) {
        if (skips == kMaxSkipped) return kAgain;
        skipped[skips++] = {position, word};
        at_head = false;
      } else if (record.state == kReading) {
        // If its reader dies it comes back, so the queue is not drained yet; what we hold ourselves does not keep us waiting.
        others_reading |= record.owner != registry_->self();
        at_head = false;
      } else if (at_head) {
        if (AdvanceHead() > 0 || Head().raw != head.raw) {
          restart = true;
          break;
        }
      }
      position = (position + record.lines) & kPositionMask;
    }
    if (restart || Head().raw != head.raw) continue;
    if ((flags & kQueueShutDown) == 0 || skips > 0 || others_reading) return kAgain;
    return kShutDown;
  }
}

Status Ring::Find(uint64_t position, RingState state, Claim* claim) {
  if (position > kPositionMask) return kNotOwner;
  const RingRecord record = format_.Unpack(Word(position).Load(std::memory_order_acquire));  // ORDER(commit)
  if (record.lap != format_.Lap(position) || record.state != state || record.owner != registry_->self()) return kNotOwner;
  claim->position = position;
  claim->length = record.length();
  claim->flags = record.flags;
  claim->bytes = Bytes(position);
  return kOk;
}

Status Ring::Finish(uint64_t position, RingState from, RingState to) {
  Claim claim;
  if (Find(position, from, &claim) != kOk) return kNotOwner;
  uint64_t word = Word(position).Load(std::memory_order_relaxed);  // relaxed: ours, only a reaper may change it
  RingRecord record = format_.Unpack(word);
  record.state = to;
  record.owner = 0;
  // ORDER(space): releases our reads and writes of the lines; a full barrier before we look at head (or at the waiters).
  Word(position).Exchange(format_.Pack(record));
  return kOk;
}

Status Ring::Release(uint64_t position) {
  if (Finish(position, kReading, kFree) != kOk) return kNotOwner;
  registry_->slot(registry_->self()).gets.Bump();
  AdvanceHead();
  WaitQueue data = Waiters(kData);
  if (data.MayHaveWaiters()) {
    if (WorthRinging(kData)) {
      data.RingOne(*registry_);
    } else if (QueueFlags() != 0) {
      data.RingAll(*registry_);  // this may have been the last record that kept a shut-down queue from being drained
    }
  }
  return kOk;
}

Status Ring::Requeue(uint64_t position) {
  if (Finish(position, kReading, kReady) != kOk) return kNotOwner;
  Waiters(kData).RingOne(*registry_);
  return kOk;
}

uint32_t Ring::CountAttempt(uint64_t position) {
  if (attempts_ == nullptr) return 1;
  uint8_t& attempts = attempts_[Index(position)];
  if (attempts < UINT8_MAX) attempts++;
  FAULT_POINT();
  return attempts;
}

bool Ring::Consumed(uint64_t position) const {
  // Behind head, or at least not one of the states in which somebody may still read it.
  const RingRecord record = format_.Unpack(Word(position).Load(std::memory_order_seq_cst));
  if (record.lap != format_.Lap(position)) return true;
  return record.state == kFree || record.state == kAborted;
}

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
  return NoRoom(Tail(), 1);
}

uint64_t Ring::UsedLines() const { return PositionDistance(Tail().position(), Head().position()); }

void Ring::ShutDown(bool immediate) {
  // ORDER(shutdown): seq_cst; set before the getters' scan, read by producers after their claim.
  control_->flags.FetchOr(immediate ? kQueueShutDown | kQueueImmediate : kQueueShutDown);
  registry_->RingEverybody();
}

void Ring::Drain(std::vector<uint64_t>* spilled) {
  Walk([&](uint64_t position, const RingRecord& record, uint64_t word) {
    if (record.state != kReady) return true;
    RingRecord mine = record;
    mine.state = kReading;
    mine.owner = registry_->self();
    uint64_t expected = word;
    if (!Word(position).CompareExchange(expected, format_.Pack(mine))) return true;
    if ((record.flags & kSpilledFlag) != 0) spilled->push_back(*reinterpret_cast<uint64_t*>(Bytes(position)));
    if (counted_) {
      // ORDER(unfinished): the count and the record it stands for change in one store, as at the commit.
      Shared<uint64_t>& counted = registry_->slot(registry_->self()).counted;
      const uint64_t puts = counted.Load(std::memory_order_relaxed) >> 32;  // relaxed: written by us alone
      counted.Store((puts - 1) << 32 | DropMark(position), std::memory_order_seq_cst);
    }
    Finish(position, kReading, kFree);
    return true;
  });
  AdvanceHead();
  if (counted_ && Unfinished() == 0) Waiters(kJoin).RingAll(*registry_);
}

uint64_t Ring::Unfinished() const {
  // ORDER(unfinished): `done` first. Puts made while we add up then count too much, never too little, so 0 is exact.
  const uint64_t done = control_->done.Load(std::memory_order_seq_cst);
  uint64_t puts = 0;
  for (uint32_t i = 0; i < registry_->count(); i++) {
    puts += registry_->slot(i).counted.Load(std::memory_order_seq_cst) >> 32;
  }
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

bool Ring::WorthRinging(int which) {
  if (which == kData) return !Empty();
  if (which == kSpace) return !NoRoom(Tail(), 1);
  return Unfinished() == 0;
}

void Ring::PassOn(int which) {
  WaitQueue waiters = Waiters(which);
  if (waiters.MayHaveWaiters() && WorthRinging(which)) waiters.RingOne(*registry_);
}

// ---- repair ------------------------------------------------------------------------------------------------------

void Ring::Repair(uint32_t participant) {
  bool any = false;
  Walk([&](uint64_t position, const RingRecord& record, uint64_t word) {
    if (record.owner != participant) return true;
    Shared<uint64_t>& counted = registry_->slot(participant).counted;
    const uint64_t count = counted.Load(std::memory_order_seq_cst);
    RingRecord repaired = record;
    repaired.owner = 0;
    if (record.state == kWriting) {
      // Its owner may have died before it moved the tail; head must not pass the tail.
      const Cursor tail = Tail();
      if (tail.position() == position) HelpTail(tail, record);
      // ORDER(unfinished): take back a put that was counted but not committed; the mark goes with the count, so doing this twice
      // takes back once.
      if (counted_ && (count & 0xffffffff) == CommitMark(position)) {
        counted.Store(((count >> 32) - 1) << 32, std::memory_order_seq_cst);
      }
      repaired.state = kAborted;
    } else if (record.state == kReading) {
      // Dropped by an immediate shutdown, and counted as such: gone. Otherwise nobody saw it yet.
      repaired.state = counted_ && (count & 0xffffffff) == DropMark(position) ? kFree : kReady;
    } else {
      return true;
    }
    uint64_t expected = word;
    Word(position).CompareExchange(expected, format_.Pack(repaired));
    any = true;
    return true;
  });
  for (int q = 0; q < kWaitQueues; q++) Waiters(q).Disarm(participant);
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
