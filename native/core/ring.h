// Ring: the owner-stamped line ring, a bounded queue of byte messages shared by many processes.
//
// Guarantee      Lock-free, many producers and consumers, any message length up to N/4 lines. A committed message is
//                delivered to exactly one consumer, or to another one if the first dies before it has copied it out.
//                Per-producer FIFO. A put is visible to everybody when it returns.
// Blocking       The Try forms never; the others through BlockUntil (blocking.h). A stopped process holds back only
//                the space behind what it is reading or writing.
// Process death  One compare-and-swap records position, owner and length together, so every unfinished record has an
//                owner in its word: Repair turns WRITING of the dead into ABORTED and READING into READY, each by a
//                single CAS.
// Memory order   ORDER(commit): what a producer wrote before the commit is visible to the consumer that claims the
//                record. ORDER(space): what a consumer read before FREE happened before the next producer's writes to
//                the same lines; the inner lines of a record are known to be free only through `head`.
//                ORDER(wait-dekker): commit and free are seq_cst exchanges followed by a look at the waiters.
// Invariants     (1) `tail` and `head` are only accelerators: anybody may advance them from the words. (2) head <=
//                tail <= head + N lines. (3) Between head and tail the words of this lap form a chain of records. (4)
//                Laps are compared for equality only. (5) A record that was passed as WRITING is looked at again
//                before a later one is taken, which keeps each producer's order. models/ring.pml checks these, and
//                that dropping any of them is noticed.
// Limits         Positions and laps are modular: a process stopped between a load and its CAS for exactly a multiple
//                of 2^41 or more lines of traffic could mistake one lap for another; and one that has not used the
//                ring for exactly 2^44 lines, give or take a ring, what it remembers of head for the present.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "core/blocking.h"
#include "core/layout.h"
#include "core/registry.h"
#include "core/ring_word.h"
#include "core/settled_prefix.h"
#include "core/status.h"
#include "core/wait_queue.h"
#include "core/watch.h"

namespace multiproc {

// Where a ring lies in a mapped queue segment.
struct RingPlaces {
  uint64_t states;
  uint64_t attempts;  // 0 if not counted
  uint64_t data;
  uint64_t total;  // bytes of the body

  // Offsets from the start of the body.
  static RingPlaces Of(uint64_t lines, bool counted);
};

// A claimed record.
struct Claim {
  uint64_t position = 0;
  uint64_t length = 0;
  uint32_t flags = 0;
  uint32_t attempts = 0;  // counted queues, TryTake: which delivery this is, from 1
  char* bytes = nullptr;  // in the double mapping: contiguous
  uint64_t word = 0;      // the state word as we left it: ours alone to change
};

class Ring : public Repairer {
 public:
  enum WaitQueueIndex { kData = 0, kSpace = 1, kJoin = 2 };

  // `body` is the mapped body of a queue segment, `poisoned` the segment's sticky flag.
  Ring(char* body, Registry* registry, Shared<uint32_t>* poisoned, uint64_t lines, uint64_t maxsize, bool counted);

  // Prepares a fresh body, zeroed by the kernel. `start` is the first position: by default one whose lap no zeroed word
  // has.
  static void Format(char* body, uint64_t lines, bool counted, uint64_t start);
  static void Format(char* body, uint64_t lines, bool counted) { Format(body, lines, counted, lines); }

  // ---- producing
  // Claims room for `length` bytes: kOk, kAgain (full), kShutDown, kTooLarge, kPoisoned.
  Status TryReserve(uint64_t length, Claim* claim);
  // Makes the first `length` <= reserved bytes a message.
  Status Commit(const Claim& claim, uint64_t length, uint32_t flags);
  // The same for a record of which only the position was kept; kNotOwner if it is not ours.
  Status Commit(uint64_t position, uint64_t length, uint32_t flags);
  Status Abort(uint64_t position);
  // Longest message that goes inline.
  uint64_t MostBytes() const { return lines_ / 4 * kLineBytes; }

  // ---- consuming
  // Claims the oldest committed message if its length is at most `room` and it carries no flags or `flagged` allows
  // them; kNoRoom (claim->length says how much) otherwise. kAgain (empty), kShutDown (and drained), kPoisoned.
  Status TryClaim(uint64_t room, Claim* claim);
  // Is there a message to claim? kOk, kAgain, kShutDown, kPoisoned, as TryClaim would say.
  Status Poll();
  // Copies the bytes of a claimed message into memory of the process, which may be fresh.
  static void CopyOut(const Claim& claim, char* to);
  // Counts a delivery attempt of a claimed record (counted queues).
  uint32_t CountAttempt(uint64_t position);
  // Consumes a claimed record; kNotOwner if the one at the position is not ours.
  void Release(const Claim& claim);
  Status Release(uint64_t position);
  // Gives a claimed record back.
  Status Requeue(uint64_t position);
  // The claimed record at a position, if it is ours: kOk or kNotOwner.
  Status Find(uint64_t position, RingState state, Claim* claim);
  // False while the record at the position may still be unconsumed.
  bool Consumed(uint64_t position) const;

  // ---- state
  uint64_t Size();
  bool Empty();
  bool Full();
  uint32_t QueueFlags() const { return Flags() & (kQueueShutDown | kQueueImmediate); }
  // Has the queue ever had a message in a file of its own? Marked before the first file is made.
  bool HasSpilled() const { return (Flags() & kQueueSpilled) != 0; }
  void MarkSpilled() {
    if (!HasSpilled()) control_->flags.FetchOr(kQueueSpilled);
  }
  bool poisoned() const { return poisoned_->Load(std::memory_order_relaxed) != 0; }  // relaxed: sticky, advisory
  // Sets the flags and rings everybody; immediate also drains.
  void ShutDown(bool immediate);
  // Consumes everything without looking; spilled ids are appended for the caller to remove.
  void Drain(std::vector<uint64_t>* spilled);
  uint64_t UsedLines() const;

  // ---- counted queues (JoinableQueue): unfinished = messages committed so far - tasks done
  uint64_t Unfinished() const;
  Status TaskDone();
  // Consumes a claimed record and counts its task as done, as one: a death leaves both or neither.
  Status ReleaseDone(uint64_t position);

  // ---- ends: of a pipe, who receives and who sends. Once an end has been opened, the ring counts both.
  enum End { kReceiving = 0, kSending = 1 };
  // This participant uses the end from now on; its death closes it. Silently: users are counted, and rung at the end of
  // the last one, but putting and getting go on as if nobody were counted.
  void OpenEnd(End end, bool silent = false);
  // Rings everybody when it was the last user: TryClaim then gives kShutDown once the ring is empty, TryReserve at
  // once.
  void CloseEnd(End end) { CloseEnd(end, registry_->self()); }
  bool HasUsers(End end) const;
  bool Uses(End end, uint32_t participant) const;
  // Wakes a participant, if it is registered in the queue kJoin, which a ring that is not counted does not use itself.
  void Call(uint32_t participant);
  bool HasEnds() const { return (Flags() & kQueueHasEnds) != 0; }

  // ---- waiting
  WaitQueue Waiters(int which);
  // BlockUntil (blocking.h) with the manners of that wait queue. Who claimed a message calls Release or PassOn next,
  // which wakes another one if more are there.
  template <int64_t kSlice = kSliceNanos, typename Attempt>
  Status Block(WaitQueueIndex which, SpinBudget& spin, int64_t wait_nanos, Attempt attempt);
  // Would a further waiter of this queue find what it waits for?
  bool WorthRinging(int which);
  // Rings one if so: by whoever took something and may have been given a wake that was meant for more than one.
  void PassOn(int which);

  // ---- Repairer
  void Repair(uint32_t participant) override;

  // Participants with an unfinished record.
  std::vector<uint32_t> Busy();
  // Calls visit(flags, bytes) for every READY or READING record of the moment.
  template <typename Visit>
  void ForEachHeld(Visit visit);

  uint64_t lines() const { return lines_; }
  uint64_t maxsize() const { return maxsize_; }
  bool counted() const { return counted_; }
  char* data() const { return data_; }
  Registry& registry() { return *registry_; }

 private:
  uint64_t Index(uint64_t position) const {
    const uint64_t i = position & (lines_ - 1);
    // Swap bits 0-2 and 3-5: eight neighbouring lines get words on eight different cache lines.
    return (i & ~uint64_t{63}) | ((i & 7) << 3) | ((i >> 3) & 7);
  }
  Shared<uint64_t>& Word(uint64_t position) { return states_[Index(position)]; }
  const Shared<uint64_t>& Word(uint64_t position) const { return states_[Index(position)]; }
  char* Bytes(uint64_t position) { return data_ + (position & (lines_ - 1)) * kLineBytes; }
  Cursor Tail() const { return {control_->tail.Load(std::memory_order_seq_cst)}; }
  Cursor Head() const { return {control_->head.Load(std::memory_order_seq_cst)}; }

  Status Poison();
  void CloseEnd(End end, uint32_t participant);
  // Can nobody use what we would put? `flags` as read by the caller.
  bool IsDeaf(uint32_t flags) const {
    return (flags & kQueueShutDown) != 0 || ((flags & kQueueHasEnds) != 0 && !HasUsers(kReceiving));
  }
  // Will nothing more be put, so that those who wait must look whether everything is over?
  bool IsEnding() const {
    const uint32_t flags = Flags();
    return (flags & kQueueShutDown) != 0 || ((flags & kQueueHasEnds) != 0 && !HasUsers(kSending));
  }
  uint32_t Flags() const { return control_->flags.Load(std::memory_order_seq_cst); }
  bool HelpTail(Cursor tail, const RingRecord& record);
  // Moves head over what is finished; returns the number of records passed.
  uint32_t AdvanceHead();
  bool NoRoom(Cursor tail, uint64_t lines);
  bool HasRoom();

  // Waiting for room. One free record at a time would make producer and consumer take turns on the same lines, and each
  // turn of a sleeping producer cost two switches; so it lets some room gather while the consumers have work left.
  struct SpaceManners : WaitManners {
    static constexpr bool kPassOn = true;
    bool WorthTrying() const { return ring->lines_ - ring->UsedLines() >= std::min(kGatherLines, ring->lines_ / 8); }
    Nap NextNap() { return {naps < kNaps && ring->HasBacklog() ? ++naps * kNap : 0}; }
    const Ring* ring;
    int naps = 0;
  };
  // Waiting for a message. Of several consumers one keeps the watch (watch.h): woken by each put, they would cost the
  // producer a system call, and each other the processor, for one message at a time.
  class DataManners : public WaitManners {
   public:
    explicit DataManners(Ring* ring) : ring_(ring), watch_(&ring->control_->watched_until) {}
    Nap NextNap();
    void NapsEnd();

   private:
    bool Begin();
    bool GoOn();

    Ring* ring_;
    Watch watch_;
    Cursor first_{0};     // tail when the watch began
    Cursor seen_{0};      // head at the last look
    uint64_t taken_ = 0;  // by others, between the last two looks
    int idle_ = 0;        // looks in a row at a queue from which nobody took anything
    int left_ = 0;        // looks in a row that left messages to others
  };
  static constexpr int kIdleLooks = 2;
  // A keeper leaves messages to consumers that took so many since its last look, and all but so few, for so many looks:
  // what takes longer is worth a second processor, and everybody shall have a turn.
  static constexpr uint64_t kBrisk = 16;
  static constexpr int kMostLeft = 8;
  // Most that a keeper wakes for messages that it does not take.
  static constexpr uint64_t kMostWoken = 8;
  static constexpr int64_t kNap = 50'000;
  static constexpr int kNaps = 2;
  static constexpr uint64_t kGatherLines = 64;
  // So many messages keep the consumers busy for longer than a nap.
  static constexpr uint64_t kBacklog = 512;
  bool HasBacklog() const {
    const Cursor head = Head();  // first, so that it is not ahead of the tail
    return SequenceDistance(Tail().sequence(), head.sequence()) >= kBacklog;
  }
  // ORDER(watch): after the commit. True if a consumer looks by itself soon.
  bool Watched() const {
    const uint64_t end = control_->watched_until.Load(std::memory_order_seq_cst);
    // The coarse clock is a third of the price, and late by a few milliseconds at most.
    return end != 0 && Watch::Counts(end, CoarseMonotonicNanos());
  }
  // The oldest committed record, if there is one.
  struct Search {
    enum Outcome { kFound, kNone, kChanged, kDamaged } outcome = kNone;
    uint64_t position;  // kFound, like the next two
    uint64_t word;
    RingRecord record;
    bool writing = false;         // passed a record that its producer has not committed
    bool others_reading = false;  // passed one that comes back if its reader, somebody else, dies
  };
  Search FindReady(Cursor head);
  // Takes one more record into the search; true if that ends it.
  bool Look(Cursor head, uint64_t position, Search* search) const;
  // Is there a committed record before `end`, or can that not be said any more?
  bool AnyReady(Cursor head, uint64_t end) const;
  bool HasReady();
  void CountDone(uint64_t position);
  // Walks the records between head and tail: visit(position, record, word) returns false to stop. When head overtakes
  // the walk it calls `again` and starts over.
  template <typename Visit, typename Again>
  void Walk(Visit visit, Again again);
  template <typename Visit>
  void Walk(Visit visit) {
    Walk(visit, [] {});
  }
  void Finish(const Claim& claim, RingState to);

  QueueControl* control_;
  Shared<uint64_t>* states_;
  uint8_t* attempts_;
  char* data_;
  Registry* registry_;
  Shared<uint32_t>* poisoned_;
  uint64_t lines_;
  uint64_t maxsize_;
  bool counted_;
  RingWordFormat format_;
  SettledPrefix settled_;
  WatchHabit habit_;
  uint64_t head_seen_;  // ORDER(space): what head was at some time; private memory
};

template <int64_t kSlice, typename Attempt>
Status Ring::Block(WaitQueueIndex which, SpinBudget& spin, int64_t wait_nanos, Attempt attempt) {
  const WaitQueue queue = Waiters(which);
  switch (which) {
    case kSpace:
      return BlockUntil<kSlice>(*registry_, queue, spin, wait_nanos, attempt, SpaceManners{{}, this});
    case kData:
      return BlockUntil<kSlice>(*registry_, queue, spin, wait_nanos, attempt, DataManners(this));
    default:
      return BlockUntil<kSlice>(*registry_, queue, spin, wait_nanos, attempt);
  }
}

template <typename Visit, typename Again>
void Ring::Walk(Visit visit, Again again) {
  for (;; again()) {
    const Cursor head = Head();
    uint64_t position = head.position();
    bool overtaken = false;
    while (PositionDistance(position, head.position()) < lines_) {
      const uint64_t word = Word(position).Load(std::memory_order_seq_cst);
      const RingRecord record = format_.Unpack(word);
      if (record.lap != format_.Lap(position)) {
        // The end of the chain, or head has passed us and the line is being used again.
        const uint64_t now = Head().position();
        overtaken = PositionDistance(now, head.position()) > PositionDistance(position, head.position());
        break;
      }
      if (!RingWordFormat::Plausible(record, lines_)) {
        if (Head().raw != head.raw) {
          overtaken = true;
          break;
        }
        Poison();
        return;
      }
      if (!visit(position, record, word)) return;
      position = (position + record.lines) & kPositionMask;
    }
    if (!overtaken) return;
  }
}

template <typename Visit>
void Ring::ForEachHeld(Visit visit) {
  Walk([&](uint64_t position, const RingRecord& record, uint64_t) {
    if (record.state == kReady || record.state == kReading) visit(record.flags, Bytes(position));
    return true;
  });
}

}  // namespace multiproc
