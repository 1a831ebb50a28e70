// What the crash tests of the ring know about every message: Ledger in memory of its own, Actor who fills it, Balance
// who checks.
#pragma once

#include <atomic>
#include <optional>

#include "child.h"
#include "core/segment_name.h"
#include "core/spill.h"
#include "ring_messages.h"
#include "shm_files.h"

namespace multiproc {

// Message ids count from 1; an id is the first 8 bytes of its message (or its length says that it is an empty one: id
// 0).
struct Ledger {
  static constexpr int kBystanderMessages = 20'000;
  static constexpr uint64_t kMost = kBystanderMessages + 1000;

  struct Entry {
    std::atomic<uint8_t> put_began, put_ended;        // the put was called; returned
    std::atomic<uint8_t> copied, consumed;            // times copied out; times Release returned
    std::atomic<uint8_t> finish_began, finish_ended;  // ReleaseDone was called; returned
    uint8_t in_queue;                                 // found at the end
  };
  std::atomic<uint64_t> next_id{1};
  std::atomic<int> stop{0};
  std::atomic<uint64_t> done_began{0}, done_ended{0};
  Entry entries[kMost];
};

// Does things to the ring and writes down what it does, before and after.
class Actor {
 public:
  Actor(const RingSegment& segment, RingMember& member, Ledger& ledger)
      : segment_(segment), member_(member), ledger_(ledger) {}

  Ring& ring() { return member_.body; }
  RingMember& member() { return member_; }

  // A message of 8 bytes of id and `more` bytes that follow from it. False if there is no room.
  bool Put(uint64_t more) {
    Claim claim;
    const Status status = ring().TryReserve(8 + more, &claim);
    if (status != kOk) {
      CHECK(status == kAgain || status == kShutDown);
      return false;
    }
    CommitNext(claim, 8 + more, 0);
    return true;
  }
  void PutShortened(uint64_t reserved, uint64_t length) {
    Claim claim;
    CHECK_EQ(ring().TryReserve(reserved, &claim), kOk);
    CommitNext(claim, length, 0);
  }
  void ReserveAndAbort(uint64_t reserved) {
    Claim claim;
    CHECK_EQ(ring().TryReserve(reserved, &claim), kOk);
    CHECK_EQ(ring().Abort(claim.position), kOk);
  }
  void PutTwoOutOfOrder() {
    Claim first, second;
    CHECK_EQ(ring().TryReserve(100, &first), kOk);
    CHECK_EQ(ring().TryReserve(100, &second), kOk);
    CommitNext(second, 100, 0);
    CommitNext(first, 100, 0);
  }
  void PutSpilled(uint64_t more) {
    const uint64_t id = Begin();
    const std::string body = Pattern(id, more);
    SpillWriter spill(segment_.uuid());
    CHECK_EQ(spill.Write(&id, sizeof id, body.data(), body.size()), 0);
    const SpillDescriptor descriptor = spill.descriptor();
    Claim claim;
    CHECK_EQ(ring().TryReserve(sizeof descriptor, &claim), kOk);
    memcpy(claim.bytes, &descriptor, sizeof descriptor);
    CHECK_EQ(ring().Commit(claim.position, sizeof descriptor, kSpilledFlag), kOk);
    spill.Keep();
    ledger_.entries[id].put_ended++;
  }
  // False if there was nothing.
  bool Get() {
    Claim claim;
    const Status status = ring().TryClaim(UINT64_MAX, &claim);
    if (status != kOk) {
      CHECK(status == kAgain || status == kShutDown);
      return false;
    }
    uint64_t spill = 0;
    const uint64_t id = CopyOut(claim, &spill);
    ledger_.entries[id].copied++;
    CHECK_EQ(ring().Release(claim.position), kOk);
    ledger_.entries[id].consumed++;
    if (spill != 0) RemoveSpill(segment_.uuid(), spill);
    return true;
  }
  void TakeAndRelease() {
    Claim claim;
    ClaimOne(&claim);
    CHECK(ring().CountAttempt(claim.position) >= 1);
    uint64_t spill;
    const uint64_t id = CopyOut(claim, &spill);
    ledger_.entries[id].copied++;
    CHECK_EQ(ring().Release(claim.position), kOk);
    ledger_.entries[id].consumed++;
  }
  // Released and counted as done in one step.
  void TakeAndFinish() {
    Claim claim;
    ClaimOne(&claim);
    uint64_t spill;
    const uint64_t id = CopyOut(claim, &spill);
    ledger_.entries[id].copied++;
    ledger_.entries[id].finish_began++;
    CHECK_EQ(ring().ReleaseDone(claim.position), kOk);
    ledger_.entries[id].finish_ended++;
    ledger_.entries[id].consumed++;
  }
  void TakeAndRequeue() {
    Claim claim;
    ClaimOne(&claim);
    CHECK(ring().CountAttempt(claim.position) >= 1);
    CHECK_EQ(ring().Requeue(claim.position), kOk);
  }
  void TaskDone() {
    ledger_.done_began++;
    CHECK_EQ(ring().TaskDone(), kOk);
    ledger_.done_ended++;
  }
  void LeaveUnfinishedThings() {
    Claim claim;
    CHECK_EQ(ring().TryReserve(100, &claim), kOk);
    ClaimOne(&claim);
    ring().Waiters(Ring::kData).Arm(member_.self());
  }
#ifdef MULTIPROC_FAULT_POINTS
  // Killed inside a commit of a counted ring, after counting the put and before the commit, with a message in hand.
  [[noreturn]] void DieInTheMiddleOfEverything() {
    LeaveUnfinishedThings();
    fault::Arm(7, false);
    Put(10);
    _exit(4);
  }
#endif

  // The id of a claimed message whose bytes are as they were put.
  uint64_t CopyOut(const Claim& claim, uint64_t* spill) {
    std::string bytes(claim.bytes, claim.length);
    *spill = 0;
    if ((claim.flags & kSpilledFlag) != 0) {
      SpillDescriptor descriptor;
      CHECK_EQ(bytes.size(), sizeof descriptor);
      memcpy(&descriptor, bytes.data(), sizeof descriptor);
      Descriptor file;
      CHECK_EQ(OpenSpill(segment_.uuid(), descriptor, &file), 0);
      bytes.resize(descriptor.length);
      CHECK_EQ(ReadFully(file.get(), bytes.data(), descriptor.length, 0), 0);
      *spill = descriptor.id;
    }
    uint64_t id;
    CHECK(bytes.size() >= sizeof id);
    memcpy(&id, bytes.data(), sizeof id);
    CHECK(id > 0 && id < ledger_.next_id.load());
    CHECK(bytes.compare(sizeof id, std::string::npos, Pattern(id, bytes.size() - sizeof id)) == 0);
    return id;
  }

 private:
  // The traffic of others may empty the ring for a moment.
  void ClaimOne(Claim* claim) {
    Status status;
    do status = ring().TryClaim(UINT64_MAX, claim);
    while (status == kAgain);
    CHECK_EQ(status, kOk);
  }
  uint64_t Begin() {
    const uint64_t id = ledger_.next_id++;
    CHECK(id < Ledger::kMost);
    ledger_.entries[id].put_began++;
    return id;
  }
  void CommitNext(const Claim& claim, uint64_t length, uint32_t flags) {
    const uint64_t id = Begin();
    const std::string rest = Pattern(id, length - sizeof id);
    memcpy(claim.bytes, &id, sizeof id);
    memcpy(claim.bytes + sizeof id, rest.data(), rest.size());
    CHECK_EQ(ring().Commit(claim.position, length, flags), kOk);
    ledger_.entries[id].put_ended++;
  }

  const RingSegment& segment_;
  RingMember& member_;
  Ledger& ledger_;
};

// Everybody else has gone and was reaped. Empties the ring and checks the books; then that the ring is as good as new.
inline void Balance(const RingSegment& segment, RingMember& me, Ledger& ledger, bool shut_down) {
  Ring& ring = me.body;
  Actor actor(segment, me, ledger);
  for (int q = 0; q < kWaitQueues; q++) ring.Waiters(q).Disarm(me.self());
  CollectSpills(segment.uuid(), ring);
  uint64_t spills_left = FilesWithPrefix(SpillPrefix(segment.uuid())).size();

  const uint64_t size = ring.Size();
  const uint64_t unfinished = ring.Unfinished();
  uint64_t drained = 0;
  for (Claim claim; ring.TryClaim(UINT64_MAX, &claim) == kOk; drained++) {
    uint64_t spill;
    const uint64_t id = actor.CopyOut(claim, &spill);
    ledger.entries[id].in_queue++;
    CHECK_EQ(ring.Release(claim.position), kOk);
    if (spill == 0) continue;
    RemoveSpill(segment.uuid(), spill);
    spills_left--;
  }
  CHECK_EQ(drained, size);
  CHECK_EQ(spills_left, 0);

  uint64_t committed = 0, finished = 0;
  for (uint64_t id = 1; id < ledger.next_id.load(); id++) {
    const Ledger::Entry& entry = ledger.entries[id];
    // Copied more often than consumed: one reader died around its Release, and then the message may or may not be back.
    const int seen = entry.consumed + entry.in_queue;
    const bool consumed_by_the_dead = seen == 0 && entry.copied > 0;
    if (entry.put_ended > 0)
      CHECK(seen == 1 || consumed_by_the_dead);
    else
      CHECK(seen <= 1);
    CHECK_EQ(entry.put_began.load(), 1);
    if (seen == 1 || consumed_by_the_dead) committed++;
    if (entry.finish_ended > 0 || (entry.finish_began > 0 && seen == 0)) finished++;
  }
  if (segment.shape.counted) {
    CHECK(unfinished <= committed - finished - ledger.done_ended.load());
    CHECK(unfinished >= committed - finished - ledger.done_began.load());
  }

  CHECK_EQ(segment.poisoned()->Load(std::memory_order_relaxed), 0);
  CHECK_EQ(ring.UsedLines(), 0);
  CHECK(ring.Busy().empty());
  if (shut_down) segment.control().flags.Store(0, std::memory_order_relaxed);
  const uint64_t room =
      segment.shape.maxsize == 0 ? segment.shape.lines : std::min(segment.shape.maxsize, segment.shape.lines);
  for (int round = 0; round < 2; round++) {
    CHECK_EQ(FillWithLines(ring), room);
    CHECK_EQ(DrainAll(ring), room);
    CHECK_EQ(ring.UsedLines(), 0);
  }
}

}  // namespace multiproc
