#include "core/ring.h"

#include <string.h>

#include <algorithm>
#include <bit>

#include "platform/prefault.h"

namespace multiproc {
namespace {

constexpr uint64_t kControlBytes = 4096;

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
  head_seen_ = Head().position();
  settled_.StartAt(head_seen_);
}

void Ring::Format(char* body, uint64_t lines, bool counted, uint64_t start) {
  auto* control = reinterpret_cast<QueueControl*>(body);
  const RingWordFormat format(static_cast<uint32_t>(std::countr_zero(lines)));
  // relaxed: nobody else can see the segment before it is published
  const Cursor cursor = Cursor::Of(start, 0);
  control->tail.Store(cursor.raw, std::memory_order_relaxed);
  control->head.Store(cursor.raw, std::memory_order_relaxed);
  // Zeroed words are free records of lap 0: right for every start that does not begin in lap 0 or reach it within a
  // ring.
  const uint64_t lap = format.Lap(start);
  const uint64_t next_lap = format.Lap(start + lines);
  if (lap != 0 && next_lap != 0) return;
  auto* states = reinterpret_cast<Shared<uint64_t>*>(body + RingPlaces::Of(lines, counted).states);
  const uint64_t unused = format.Pack({format.Lap(start - lines), 0, kFree, 0, 1, 0});
  for (uint64_t i = 0; i < lines; i++) states[i].Store(unused, std::memory_order_relaxed);
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
      return (QueueFlags() & kQueueShutDown) != 0 ? kShutDown : kAgain;
    }
    const RingRecord mine{format_.Lap(t), 0, kWriting, registry_->self(), lines, pad};
    // ORDER(claim): position, owner and length in one step; from here on a reaper can attribute the record.
    const uint64_t claimed = format_.Pack(mine);
    if (!Word(t).CompareExchange(word, claimed)) continue;
    HelpTail(tail, mine);
    *claim = {t, length, 0, 0, Bytes(t), claimed};
    // After the claim, so that whoever saw the flag first also sees our claim, or we see the flag (ORDER(shutdown)).
    if ((QueueFlags() & kQueueShutDown) != 0) {
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
    // ORDER(padding): who sees a shortened record also sees the padding behind it.
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
  // One producer for each record that went; one that finds too little room passes its wake on (blocking.h).
  WaitQueue space = Waiters(kSpace);
  for (uint32_t i = 0; i < passed && space.MayHaveWaiters(); i++) space.RingOne(*registry_);
  return passed;
}

bool Ring::Look(Cursor head, uint64_t position, Search* search) const {
  const uint64_t word = Word(position).Load(std::memory_order_seq_cst);
  const RingRecord record = format_.Unpack(word);
  search->position = position;
  search->word = word;
  search->record = record;
  if (record.lap != format_.Lap(position)) {
    // The end of the chain; or, if head is behind it no more, a line that is used again.
    search->outcome = Search::kNone;
    return true;
  }
  if (!RingWordFormat::Plausible(record, lines_)) {
    search->outcome = Head().raw == head.raw ? Search::kDamaged : Search::kChanged;
    return true;
  }
  search->outcome = record.state == kReady ? Search::kFound : Search::kNone;
  search->writing |= record.state == kWriting;
  // If its reader dies it comes back, so the queue is not drained yet; what we hold ourselves does not keep us waiting.
  search->others_reading |= record.state == kReading && record.owner != registry_->self();
  return record.state == kReady;
}

Ring::Search Ring::FindReady(Cursor head) {
  Search search;
  bool ended = false;
  if (settled_.Follow(head.position(), lines_)) {
    settled_.Keep([&](uint64_t position) {
      if (ended) return true;
      ended = Look(head, position, &search);
      return ended || search.record.state == kWriting || search.record.state == kReading;
    });
  }
  bool remember = true;
  uint64_t position = settled_.end();
  while (!ended && PositionDistance(position, head.position()) < lines_) {
    if (Look(head, position, &search)) break;
    const RingRecord& record = search.record;
    if (remember) {
      if (record.state == kWriting || record.state == kReading) {
        remember = settled_.Open(record.lines);
      } else {
        settled_.Settle(record.lines);
      }
    }
    position = (position + record.lines) & kPositionMask;
  }
  if (search.outcome == Search::kNone && settled_.end() != head.position() &&
      (settled_.count() == 0 || settled_.open(0) != head.position())) {
    // The one at head is finished. Whoever finished it has moved head, is about to, or died before it could.
    AdvanceHead();
    if (Head().raw != head.raw) search.outcome = Search::kChanged;
  }
  // A producer that was passed as WRITING may have committed since, and then another message: the older one goes first.
  // Each record that is still WRITING here was not committed when the later one was, so to pass it is a legal order.
  if (search.outcome == Search::kFound && search.writing && AnyReady(head, search.position)) {
    search.outcome = Search::kChanged;
  }
  return search;
}

bool Ring::AnyReady(Cursor head, uint64_t end) const {
  // Overtaken: let the caller start over.
  const auto ready = [&](uint64_t position, RingRecord* record) {
    *record = format_.Unpack(Word(position).Load(std::memory_order_seq_cst));
    return record->lap != format_.Lap(position) || record->state == kReady ||
           !RingWordFormat::Plausible(*record, lines_);
  };
  RingRecord record;
  for (uint32_t i = 0; i < settled_.count() && settled_.open(i) != end; i++) {
    if (ready(settled_.open(i), &record)) return true;
  }
  // What was walked without being remembered.
  const uint64_t walked = PositionDistance(end, head.position());
  uint64_t position = settled_.end();
  while (PositionDistance(position, head.position()) < walked) {
    if (ready(position, &record)) return true;
    position = (position + record.lines) & kPositionMask;
  }
  return false;
}

bool Ring::HasReady() {
  for (;;) {
    const Cursor head = Head();
    const Search search = FindReady(head);
    if (search.outcome == Search::kChanged) continue;
    if (search.outcome != Search::kNone) return true;
    // Overtaken, the search ends on a line of another lap.
    if (Head().raw == head.raw) return false;
  }
}

Status Ring::TryClaim(uint64_t room, Claim* claim) {
  for (;;) {
    if (poisoned()) return kPoisoned;
    // ORDER(shutdown): read before the search; a producer that claims later sees the flag and gives up.
    const uint32_t flags = QueueFlags();
    if ((flags & kQueueImmediate) != 0) return kShutDown;
    const Cursor head = Head();
    Search search = FindReady(head);
    switch (search.outcome) {
      case Search::kChanged:
        continue;
      case Search::kDamaged:
        return Poison();
      case Search::kNone:
        if (Head().raw != head.raw) continue;
        if ((flags & kQueueShutDown) == 0 || search.writing || search.others_reading) return kAgain;
        return kShutDown;
      case Search::kFound:
        break;
    }
    RingRecord& record = search.record;
    claim->length = record.length();
    if (claim->length > room && (record.flags & kSpilledFlag) == 0) return kNoRoom;
    record.state = kReading;
    record.owner = registry_->self();
    // ORDER(commit): acquires the bytes.
    const uint64_t claimed = format_.Pack(record);
    if (!Word(search.position).CompareExchange(search.word, claimed)) continue;
    // Ours to finish, or to give back.
    if (search.position == settled_.end()) settled_.Open(record.lines);
    *claim = {search.position, record.length(), record.flags, 0, Bytes(search.position), claimed};
    return kOk;
  }
}

void Ring::CopyOut(const Claim& claim, char* to) {
  Prefault(to, claim.length);
  memcpy(to, claim.bytes, claim.length);
}

Status Ring::Find(uint64_t position, RingState state, Claim* claim) {
  if (position > kPositionMask) return kNotOwner;
  const uint64_t word = Word(position).Load(std::memory_order_acquire);  // ORDER(commit)
  const RingRecord record = format_.Unpack(word);
  if (record.lap != format_.Lap(position) || record.state != state || record.owner != registry_->self())
    return kNotOwner;
  if (!RingWordFormat::Plausible(record, lines_)) return kNotOwner;
  *claim = {position, record.length(), record.flags, 0, Bytes(position), word};
  return kOk;
}

void Ring::Finish(const Claim& claim, RingState to) {
  RingRecord record = format_.Unpack(claim.word);
  record.state = to;
  record.owner = 0;
  // ORDER(space): releases our reads and writes of the lines; a full barrier before we look at head (or at the
  // waiters).
  Word(claim.position).Exchange(format_.Pack(record));
}

Status Ring::Release(uint64_t position) {
  Claim claim;
  if (Find(position, kReading, &claim) != kOk) return kNotOwner;
  Release(claim);
  return kOk;
}

void Ring::Release(const Claim& claim) {
  Finish(claim, kFree);
  registry_->slot(registry_->self()).gets.Bump();
  AdvanceHead();
  WaitQueue data = Waiters(kData);
  if (!data.MayHaveWaiters()) return;
  const bool shut_down = QueueFlags() != 0;
  if (!shut_down && Watched()) return;
  if (WorthRinging(kData)) {
    data.RingOne(*registry_);
  } else if (shut_down) {
    data.RingAll(*registry_);  // this may have been the last record that kept a shut-down queue from being drained
  }
}

Status Ring::Requeue(uint64_t position) {
  Claim claim;
  if (Find(position, kReading, &claim) != kOk) return kNotOwner;
  Finish(claim, kReady);
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

}  // namespace multiproc
