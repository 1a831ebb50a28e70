// The consuming half of the ring; contract in ring.h.
#include <string.h>

#include "core/ring.h"
#include "platform/fault_point.h"
#include "platform/prefault.h"

namespace multiproc {

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
  for (uint32_t i = 0; i < passed && space.MayHaveWaiters() && space.RingOne(*registry_); i++) {
  }
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
  bool deserted = false;
  for (;;) {
    if (poisoned()) return kPoisoned;
    // ORDER(shutdown): read before the search; a producer that claims later sees the flag and gives up.
    const uint32_t flags = Flags();
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
        if (((flags & kQueueShutDown) == 0 && !deserted) || search.writing || search.others_reading) {
          // ORDER(ends): seen before another search, so what the last sender committed before it left is found.
          if (deserted || (flags & kQueueHasEnds) == 0 || HasUsers(kSending)) return kAgain;
          deserted = true;
          continue;
        }
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

Status Ring::Poll() {
  if (poisoned()) return kPoisoned;
  if ((Flags() & kQueueImmediate) != 0) return kShutDown;
  const bool ending = IsEnding();  // ORDER(shutdown), ORDER(ends): before the search
  if (HasReady()) return kOk;
  if (!ending) return kAgain;
  bool pending = false;
  Walk(
      [&](uint64_t, const RingRecord& record, uint64_t) {
        pending = record.state == kReady || record.state == kWriting ||
                  (record.state == kReading && record.owner != registry_->self());
        return !pending;
      },
      [&] { pending = false; });
  return pending ? kAgain : kShutDown;
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
  const bool ending = IsEnding();
  if (!ending && Watched()) return;
  if (WorthRinging(kData)) {
    data.RingOne(*registry_);
  } else if (ending) {
    data.RingAll(*registry_);  // this may have been the last record that kept the queue from being drained
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
