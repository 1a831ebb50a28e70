// Actor: one process of the crash tests. It does to the ring what the addon does for JavaScript, waits as the library
// waits, and writes into the ledger what it does, before and after.
#pragma once

#include "core/segment_name.h"
#include "core/spill.h"
#include "ring_ledger.h"
#include "run_delay.h"
#include "shm_files.h"

namespace multiproc {

class Actor {
 public:
  // What is promised to the others of a dead process.
  static constexpr int64_t kPromise = 1'000'000'000;

  Actor(const RingSegment& segment, RingMember& member, Ledger& ledger, uint32_t number)
      : segment_(segment), member_(member), ledger_(ledger), number_(number) {}

  Ring& ring() { return member_.body; }
  RingMember& member() { return member_; }
  const RingSegment& segment() const { return segment_; }
  Ledger& ledger() { return ledger_; }
  // From now on stays so long in the middle of each operation, with the record in its hands; until the test is over.
  void Linger(int64_t nanos) { linger_ = nanos; }

  // ---- putting. False if the queue was shut down or the test is over; the Try form also if there is no room.
  // A message of 8 bytes of id and `more` bytes that follow from it.
  bool TryPut(uint64_t more) { return PutWith(more, ring().TryReserve(8 + more, &claim_)); }
  bool Put(uint64_t more) { return PutWith(more, Reserve(8 + more)); }
  bool PutShortened(uint64_t reserved, uint64_t length) {
    if (Reserve(reserved) != kOk) return false;
    ring().PassOn(Ring::kSpace);
    return CommitNext(claim_, length);
  }
  bool ReserveAndAbort(uint64_t reserved) {
    if (Reserve(reserved) != kOk) return false;
    ring().PassOn(Ring::kSpace);
    Pause();
    CHECK_EQ(ring().Abort(claim_.position), kOk);
    return Ended(true);
  }
  void PutTwoOutOfOrder() {
    if (Reserve(100) != kOk) return;
    const Claim first = claim_;
    // Without waiting for room that the first may hold back.
    const Status status = ring().TryReserve(100, &claim_);
    if (status == kOk) CommitNext(claim_, 100, true);
    CommitNext(first, 100, true);
  }
  bool PutSpilled(uint64_t more) {
    if (Reserve(sizeof(SpillDescriptor)) != kOk) return false;
    ring().PassOn(Ring::kSpace);
    ring().MarkSpilled();
    const uint64_t id = Begin(false);
    const std::string body = Pattern(id, more);
    SpillWriter spill(segment_.uuid());
    CHECK_EQ(spill.Write(&id, sizeof id, body.data(), body.size()), 0);
    const SpillDescriptor descriptor = spill.descriptor();
    memcpy(claim_.bytes, &descriptor, sizeof descriptor);
    spill.Keep();
    CHECK_EQ(ring().Commit(claim_.position, sizeof descriptor, kSpilledFlag), kOk);
    return Committed(id);
  }

  // ---- getting. False as above; the Try form also if there is nothing.
  bool TryGet() {
    const Status status = ring().TryClaim(UINT64_MAX, &claim_);
    CHECK(status == kOk || status == kAgain || status == kShutDown);
    if (status != kOk) return false;
    Claimed();
    return Release();
  }
  bool Get() { return Take() && Release(); }
  // Claims one and keeps it, for one of the three below.
  bool Take() {
    const Status status = Await(Ring::kData, Ledger::kGetting, [this] { return ring().TryClaim(UINT64_MAX, &claim_); });
    if (status == kShutDown) DropIfImmediate();
    if (status != kOk) return Ended(false);
    Claimed();
    return true;
  }
  bool Release() {
    const uint64_t id = CopyOutOnce();
    CHECK_EQ(ring().Release(claim_.position), kOk);
    Ledger::Mark(ledger_.entries[id].consumed);
    RemoveIfSpilled();
    return Ended(true);
  }
  // Released and counted as done in one step.
  bool Finish() {
    CountAttempt();
    const uint64_t id = CopyOutOnce();
    Ledger::Entry& entry = ledger_.entries[id];
    Ledger::Mark(entry.finish_began);
    CHECK_EQ(ring().ReleaseDone(claim_.position), kOk);
    Ledger::Mark(entry.finish_ended);
    Ledger::Mark(entry.consumed);
    RemoveIfSpilled();
    return Ended(true);
  }
  bool Requeue() {
    CountAttempt();
    CHECK_EQ(ring().Requeue(claim_.position), kOk);
    DropIfImmediate();
    return Ended(true);
  }
  void CountAttempt() {
    CHECK(ring().CountAttempt(claim_.position) >= 1);
    ring().PassOn(Ring::kData);
  }

  // ---- the rest
  void TaskDone() {
    ledger_.done_began++;
    CHECK_EQ(ring().TaskDone(), kOk);
    ledger_.done_ended++;
  }
  void ShutDownImmediately() {
    ring().ShutDown(true);
    DropIfImmediate();
  }
  // One wait, of which it does not matter what it finds.
  template <typename Attempt>
  Status WaitOnce(Ring::WaitQueueIndex which, int64_t nanos, Attempt attempt) {
    return ring().Block(which, spin_, nanos, attempt);
  }
  void WaitInVainForAMessage(int64_t nanos) {
    if (WaitOnce(Ring::kData, nanos, [this] { return ring().TryClaim(UINT64_MAX, &claim_); }) != kOk) return;
    Claimed();
    Release();
  }
  void WaitInVainForRoom(int64_t nanos) {
    if (WaitOnce(Ring::kSpace, nanos, [this] { return ring().TryReserve(50, &claim_); }) != kOk) return;
    CommitNext(claim_, 50);
  }
  void WaitForTheTasks(int64_t nanos) {
    WaitOnce(Ring::kJoin, nanos, [this] { return ring().Unfinished() == 0 ? kOk : kAgain; });
  }
  // A record being written, one being read, and a place among the waiters.
  void LeaveUnfinishedThings() {
    CHECK_EQ(Reserve(100), kOk);
    CHECK(Take());
    ring().Waiters(Ring::kData).Arm(member_.self());
  }
  // As the library does it at the end of a slice: only those whose death can matter.
  void ReapBusy() {
    for (const uint32_t i : ring().Busy()) {
      if (member_.registry.Reap(i, ring()) && ring().HasSpilled()) CollectSpills(segment_.uuid(), ring());
    }
  }

  // The id of a claimed message whose bytes are as they were put.
  uint64_t CopyOut(const Claim& claim) {
    std::string bytes(claim.bytes, claim.length);
    if ((claim.flags & kSpilledFlag) != 0) {
      SpillDescriptor descriptor;
      CHECK_EQ(bytes.size(), sizeof descriptor);
      memcpy(&descriptor, bytes.data(), sizeof descriptor);
      Descriptor file;
      CHECK_EQ(OpenSpill(segment_.uuid(), descriptor, &file), 0);
      bytes.resize(descriptor.length);
      CHECK_EQ(ReadFully(file.get(), bytes.data(), descriptor.length, 0), 0);
      spilled_ = descriptor.id;
    } else {
      spilled_ = 0;
    }
    uint64_t id;
    CHECK(bytes.size() >= sizeof id);
    memcpy(&id, bytes.data(), sizeof id);
    CHECK(id > 0 && id < ledger_.next_id.load());
    CHECK(bytes.compare(sizeof id, std::string::npos, Pattern(id, bytes.size() - sizeof id)) == 0);
    return id;
  }
  // Each producer's messages come to each consumer in their order, but for those that somebody had before: given back,
  // or repaired after a death. A death between a claim and the entry of it explains one more.
  void CheckOrder(uint64_t id) {
    Ledger::Entry& entry = ledger_.entries[id];
    const bool again = Ledger::Mark(entry.claimed) > 0;
    uint64_t& newest = newest_[entry.producer];
    if (id < newest && !again && entry.unordered == 0) ledger_.late++;
    newest = std::max(newest, id);
  }
  void RemoveIfSpilled() {
    if (spilled_ != 0) RemoveSpill(segment_.uuid(), spilled_);
  }
  // An immediate shutdown leaves no message, whoever put it when.
  void DropIfImmediate() {
    if ((ring().QueueFlags() & kQueueImmediate) == 0) return;
    std::vector<uint64_t> spilled;
    ring().Drain(&spilled);
    for (const uint64_t id : spilled) RemoveSpill(segment_.uuid(), id);
  }

 private:
  Status Reserve(uint64_t length) {
    const Status status = Await(Ring::kSpace, Ledger::kPutting, [&] { return ring().TryReserve(length, &claim_); });
    if (status != kOk) Ended(false);
    return status;
  }
  template <typename Attempt>
  Status Await(Ring::WaitQueueIndex which, Ledger::Doing doing, Attempt attempt) {
    ledger_.doing[number_] = doing;
    Status status = attempt();
    if (status == kAgain) {
      const int64_t began = MachineNanos(), delay = run_delay_.Nanos();
      ledger_.waits_for[number_] = which;
      ledger_.doing[number_] = Ledger::kWaiting;
      do {
        status = ring().Block(which, spin_, kSliceNanos, [&] { return ledger_.stop != 0 ? kClosed : attempt(); });
        if (status == kAgain) ReapBusy();
      } while (status == kAgain);
      ledger_.doing[number_] = doing;
      if (status != kClosed) CheckWait(began, delay);
    }
    CHECK(status == kOk || status == kShutDown || status == kClosed);
    return status;
  }
  // Counted is the time after the death, without that in which this thread could have gone on and had no processor.
  void CheckWait(int64_t began, int64_t delay) {
    if (ledger_.over == 0) return;
    const int64_t waited = MachineNanos() - std::max(began, ledger_.over_at.load());
    const int64_t fair = waited - (run_delay_.Nanos() - delay);
    CHECK(fair < kPromise);
    int64_t longest = ledger_.longest;
    while (fair > longest && !ledger_.longest.compare_exchange_weak(longest, fair)) continue;
  }
  bool PutWith(uint64_t more, Status status) {
    CHECK(status == kOk || status == kAgain || status == kShutDown || status == kClosed);
    return status == kOk ? CommitNext(claim_, 8 + more) : Ended(false);
  }
  bool CommitNext(const Claim& claim, uint64_t length, bool unordered = false) {
    const uint64_t id = Begin(unordered);
    const std::string rest = Pattern(id, length - sizeof id);
    Pause();
    memcpy(claim.bytes, &id, sizeof id);
    memcpy(claim.bytes + sizeof id, rest.data(), rest.size());
    CHECK_EQ(ring().Commit(claim.position, length, 0), kOk);
    return Committed(id);
  }
  uint64_t Begin(bool unordered) {
    const uint64_t id = ledger_.next_id++;
    CHECK(id < Ledger::kMost);
    Ledger::Entry& entry = ledger_.entries[id];
    entry.producer = static_cast<uint8_t>(number_);
    entry.unordered = unordered ? 1 : 0;
    Ledger::Mark(entry.put_began);
    return id;
  }
  bool Committed(uint64_t id) {
    Ledger::Mark(ledger_.entries[id].put_ended);
    DropIfImmediate();
    return Ended(true);
  }
  void Claimed() {
    ledger_.doing[number_] = Ledger::kGetting;
    CheckOrder(CopyOut(claim_));
    Pause();
  }
  void Pause() {
    while (number_ >= Ledger::kFirstOther && ledger_.hold != 0) FutexWait(&ledger_.hold, 1, INT64_MAX);
    if (linger_ > 0) FutexWait(&ledger_.stop, 0, MonotonicNanos() + linger_);
  }
  uint64_t CopyOutOnce() {
    const uint64_t id = CopyOut(claim_);
    Ledger::Entry& entry = ledger_.entries[id];
    if (number_ == Ledger::kVictim) Ledger::Mark(entry.victim_copied);
    Ledger::Mark(entry.copied);
    return id;
  }
  bool Ended(bool result) {
    ledger_.doing[number_] = Ledger::kNothing;
    ledger_.ended[number_]++;
    return result;
  }

  const RingSegment& segment_;
  RingMember& member_;
  Ledger& ledger_;
  const uint32_t number_;
  const RunDelay run_delay_;
  SpinBudget spin_{true};
  Claim claim_;
  int64_t linger_ = 0;
  uint64_t spilled_ = 0;                   // id of the file of the message copied last
  uint64_t newest_[Ledger::kActors] = {};  // of each producer
};

}  // namespace multiproc
