// Settlement: follows each message to its end.
//
// A record is finished once `head` has passed it. A message whose put has returned was then got exactly once, or was in
// the hands of exactly one consumer that was killed inside its Release; every other one is lost. One whose put did not
// return was got at most once.
#pragma once

#include "core/ring.h"
#include "ledger.h"

namespace multiproc::soak {

class Settlement {
 public:
  Settlement(Ledger& ledger, uint32_t stream)
      : ledger_(ledger), number_(stream), stream_(ledger.streams[stream]), books_(ledger.rings[kSeats[stream].ring]) {}

  // `head` as it was at some time before.
  void Settle(uint64_t head) {
    const uint64_t next = stream_.next.load();
    uint64_t n = stream_.settled.load();
    while (n < next && IsSettled(head, n)) stream_.settled.store(++n);
  }
  bool HasAll() const { return stream_.settled.load() == stream_.next.load(); }

 private:
  bool IsSettled(uint64_t head, uint64_t n) {
    const Entry& entry = stream_.At(n);
    if (entry.number.load() != n + 1) Wrong(n, "is not in the ledger");
    const uint64_t behind = (head - entry.position.load()) & kPositionMask;
    if (behind == 0 || behind > kPositionMask / 2) return false;
    // In this order: who marks it as got had it in his hands before.
    const uint32_t holder = entry.holder.load();
    const bool holder_buried = ledger_.IsBuried(holder);
    const bool producer_buried = ledger_.IsBuried(entry.producer.load());
    const uint8_t marks = entry.marks.load();
    const uint32_t consumed = entry.consumed.load();
    const bool ended = (marks & Entry::kEnded) != 0;
    if (consumed > 1) Wrong(n, "was got twice");
    if ((marks & Entry::kAborted) != 0) {
      if (consumed > 0 || holder != 0) Wrong(n, "was got though it was never committed");
      books_.aborted.fetch_add(1);
      return true;
    }
    // Somebody is about to write down what he did.
    if (!ended && !producer_buried) return false;
    if (consumed == 0 && holder != 0 && !holder_buried) return false;
    if (consumed == 0 && holder == 0) {
      if (ended) Wrong(n, "is lost: nobody had it");
      books_.unreturned_dropped.fetch_add(1);
      return true;
    }
    if (consumed == 0) CheckTakenAlong(n, holder, ended);
    if (consumed > 0) books_.received.fetch_add(1);
    (ended ? books_.put : books_.unreturned_put).fetch_add(1);
    WriteDownLength(entry, marks);
    return true;
  }
  void CheckTakenAlong(uint64_t n, uint32_t holder, bool ended) {
    Fate& fate = ledger_.fates[holder];
    const bool releasing = fate.doing == Doing::kReleasing || fate.doing == Doing::kFinishing;
    if (!releasing || fate.message != MessageId::Of(number_, n).raw)
      Wrong(n, "is lost: who had it last died doing something else");
    if (fate.losses.fetch_add(1) > 0) Wrong(n, "is the second that one killed consumer has taken along");
    if (ended) books_.lost_with_killed.fetch_add(1);
  }
  void WriteDownLength(const Entry& entry, uint8_t marks) {
    const uint64_t length = entry.length.load();
    books_.bytes.fetch_add(length);
    if (length == 0) books_.empty.fetch_add(1);
    if ((marks & Entry::kSpilled) != 0) books_.spilled.fetch_add(1);
    if (length > books_.longest.load()) books_.longest.store(length);
  }
  [[noreturn]] void Wrong(uint64_t n, const char* what) {
    const Entry& entry = stream_.At(n);
    ledger_.Fail("%s: message %u:%llu at position %llu %s (producer %u, marks %u, claims %u, holder %u, got %u times)",
                 kRings[kSeats[number_].ring].name, number_, static_cast<unsigned long long>(n),
                 static_cast<unsigned long long>(entry.position.load()), what, entry.producer.load(),
                 entry.marks.load(), entry.claims.load(), entry.holder.load(), entry.consumed.load());
  }

  Ledger& ledger_;
  const uint32_t number_;
  Stream& stream_;
  RingBooks& books_;
};

}  // namespace multiproc::soak
