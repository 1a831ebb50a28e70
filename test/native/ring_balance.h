// Balance: checks a ring against the ledger once everybody else has gone.
#pragma once

#include "ring_actor.h"

namespace multiproc {

// What may have happened to the books.
struct Expected {
  bool killed = false;     // the victim was; otherwise everything adds up exactly
  bool shut_down = false;  // perhaps
  bool dropped = false;    // shut down immediately, perhaps: messages may have been dropped
};

// How often the message was got, or will be. A death around a Release leaves it to the message whether it comes back.
inline int TimesSeen(const Ledger::Entry& entry, const Expected& expected) {
  const int seen = entry.consumed + entry.in_queue;
  if (!expected.killed) CHECK_EQ(entry.put_ended, 1);
  // Only the victim leaves an operation half done.
  if (entry.put_ended == 0) CHECK_EQ(entry.producer, Ledger::kVictim);
  CHECK_EQ(entry.put_began, 1);
  CHECK(seen <= 1);
  if (seen == 1 || entry.put_ended == 0 || expected.dropped) return seen;
  // Lost, unless the victim died with it in its hands.
  CHECK(expected.killed && entry.victim_copied == 1);
  return 1;
}

// `unfinished` as the ring counts it; null if it does not.
inline void CheckBooks(const Ledger& ledger, const Expected& expected, const uint64_t* unfinished) {
  uint64_t committed = 0, finished = 0, in_work = 0;
  for (uint64_t id = 1; id < ledger.next_id.load(); id++) {
    const Ledger::Entry& entry = ledger.entries[id];
    const int seen = TimesSeen(entry, expected);
    committed += static_cast<uint64_t>(seen);
    const bool done = entry.finish_ended > 0 || (entry.finish_began > 0 && entry.consumed + entry.in_queue == 0);
    finished += done ? 1 : 0;
    in_work += entry.consumed > 0 && !done ? 1 : 0;
  }
  if (unfinished == nullptr) return;
  // What was dropped counts as done, each once.
  if (expected.dropped) {
    committed = in_work;
    finished = 0;
  }
  CHECK(*unfinished <= committed - finished - ledger.done_ended.load());
  CHECK(*unfinished >= committed - finished - ledger.done_began.load());
}

// Everybody else has gone and was reaped. Empties the ring and checks the books; then that the ring is as good as new.
inline void Balance(const RingSegment& segment, RingMember& me, Ledger& ledger, Actor& actor,
                    const Expected& expected) {
  Ring& ring = me.body;
  for (int q = 0; q < kWaitQueues; q++) ring.Waiters(q).Disarm(me.self());
  actor.DropIfImmediate();
  CollectSpills(segment.uuid(), ring);

  const uint64_t size = ring.Size();
  const uint64_t unfinished = ring.Unfinished();
  uint64_t drained = 0;
  for (Claim claim; ring.TryClaim(UINT64_MAX, &claim) == kOk; drained++) {
    const uint64_t id = actor.CopyOut(claim);
    actor.CheckOrder(id);
    ledger.entries[id].in_queue++;
    CHECK_EQ(ring.Release(claim.position), kOk);
    actor.RemoveIfSpilled();
  }
  CHECK_EQ(drained, size);
  CHECK_EQ(FilesWithPrefix(SpillPrefix(segment.uuid())).size(), 0);
  CHECK(ledger.late <= (expected.killed ? 1 : 0));
  CheckBooks(ledger, expected, segment.shape.counted ? &unfinished : nullptr);

  CHECK_EQ(segment.poisoned()->Load(std::memory_order_relaxed), 0);
  CHECK_EQ(ring.UsedLines(), 0);
  CHECK(ring.Busy().empty());
  if (expected.shut_down || expected.dropped) segment.control().flags.Store(0, std::memory_order_relaxed);
  const uint64_t room =
      segment.shape.maxsize == 0 ? segment.shape.lines : std::min(segment.shape.maxsize, segment.shape.lines);
  for (int round = 0; round < 2; round++) {
    CHECK_EQ(FillWithLines(ring), room);
    CHECK_EQ(DrainAll(ring), room);
    CHECK_EQ(ring.UsedLines(), 0);
  }
}

}  // namespace multiproc
