// RingOracle: what each operation of a ring may answer, judged by the words before and after it and by a book of all
// messages. Nothing is said about what somebody else has changed in between.
#pragma once

#include <map>
#include <string>

#include "interleaving.h"
#include "ring_view.h"

namespace multiproc {

class RingOracle {
 public:
  static constexpr int kNobody = -1;
  static constexpr int kReleasing = -2;

  struct Message {
    uint32_t producer;
    uint64_t serial;  // of its producer, in order of commits
    uint64_t position;
    uint64_t length;
    bool committed = false;
    bool requeued = false;  // once given back: no longer bound to its producer's order
    int holder = kNobody;
  };

  // The state that an operation began in.
  struct Before {
    Chain chain;
    bool shut_down;
    uint64_t touches;
  };

  RingOracle(const RingSegment& segment, const Interleaving& run)
      : view(segment), shape_(segment.shape), run_(run), touched_(shape_.lines) {}

  Before Now() const { return {view.Records(), view.IsShutDown(), touches_}; }

  // A record that comes to a state and leaves it again looks as if it had stayed: this tells.
  void Touch(uint64_t position) { touched_[position & (shape_.lines - 1)] = ++touches_; }

  // Between any two steps of anybody.
  void JudgeCursors() const {
    const uint64_t head = view.Head(), tail = view.Tail();
    // Where laps begin anew, words that were never written look like free records; both cursors may move over them.
    if (view.LapOf(head) == 0 || view.LapOf(tail) == 0) return;
    run_.Require(PositionDistance(tail, head) <= shape_.lines, "head <= tail <= head + N lines");
  }

  void JudgeReserve(const Before& before, Status status, const Claim& claim, uint64_t lines, uint32_t self) const {
    const bool room = lines <= view.RoomIn(before.chain);
    const bool place = shape_.maxsize == 0 || view.CountIn(before.chain) < shape_.maxsize;
    if (status == kOk) {
      const uint64_t used = PositionDistance(claim.position + lines, view.Head());
      run_.Require(used <= shape_.lines || used > kPositionMask / 2, "a reservation overlaps nothing");
      run_.Require(view.Holds(self, claim.position, kWriting), "a reserved record is WRITING by its producer");
      run_.Require(!before.shut_down, "nothing is reserved after the shutdown");
      run_.Require(run_.Interrupted() || room, "a reservation has room");
      run_.Require(run_.Interrupted() || place, "maxsize is kept");
    } else if (status == kAgain) {
      run_.Require(!before.shut_down, "after the shutdown a full queue says so");
      run_.Require(run_.Interrupted() || !room || !place, "full only without room");
    } else {
      run_.Require(status == kShutDown && view.IsShutDown(), "a reservation fails when full or shut down");
    }
  }

  void JudgeClaim(const Before& before, Status status, const Claim& claim, uint32_t self) const {
    const uint64_t head = before.chain.head;
    for (const auto& [position, was] : before.chain.places) {
      const RingRecord is = view.At(position);
      if (!view.IsCurrent(position, is)) continue;
      const bool ready_all_along = was.state == kReady && is.state == kReady && !TouchedSince(before, position);
      run_.Require(status != kAgain || !ready_all_along, "empty only without a message");
      run_.Require(status != kOk || !ready_all_along ||
                       PositionDistance(position, head) > PositionDistance(claim.position, head),
                   "the oldest message is delivered");
      run_.Require(status != kShutDown || !MayCome(was, self) || !MayCome(is, self), "shut down only when drained");
    }
    if (status == kOk)
      JudgeDelivery(claim, self);
    else
      run_.Require(status == kAgain || (status == kShutDown && view.IsShutDown()), "a claim fails when empty");
  }

  void JudgeReady(const Before& before, bool ready) const {
    bool any = false;
    for (const auto& [position, was] : before.chain.places) {
      const RingRecord is = view.At(position);
      const bool stayed = view.IsCurrent(position, is) && is.state == kReady && !TouchedSince(before, position);
      run_.Require(ready || was.state != kReady || !stayed, "no message is overlooked");
      any |= was.state == kReady;
    }
    run_.Require(!ready || any || run_.Interrupted(), "no message is imagined");
  }

  void JudgeFull(const Before& before, bool full) const {
    // Where laps wrap, words that are a whole cycle old stand behind the tail like finished records: Full() does not
    // move the tail over them.
    if (run_.Interrupted() || before.chain.end != view.Tail()) return;
    const bool room = view.RoomIn(before.chain) > 0;
    const bool place = shape_.maxsize == 0 || view.CountIn(before.chain) < shape_.maxsize;
    run_.Require(full == !(room && place), "full is what has no room");
  }

  void JudgeSize(const Before& before, uint64_t size) const {
    uint64_t ready = 0;
    for (const Place& place : before.chain.places) ready += place.record.state == kReady ? 1 : 0;
    run_.Require(run_.Interrupted() || size == ready, "the size is the number of messages");
  }

  const RingView view;
  std::map<uint64_t, Message> messages;  // by number; committed or being committed, and not consumed
  uint64_t puts = 0;                     // commits that count
  uint64_t dones = 0;                    // tasks done

 private:
  bool TouchedSince(const Before& before, uint64_t position) const {
    return touched_[position & (shape_.lines - 1)] > before.touches;
  }
  // Does this record keep a shut-down queue from being drained, for this participant?
  static bool MayCome(const RingRecord& record, uint32_t self) {
    return record.state == kReady || record.state == kWriting || (record.state == kReading && record.owner != self);
  }

  void JudgeDelivery(const Claim& claim, uint32_t self) const {
    uint64_t number;
    memcpy(&number, claim.bytes, sizeof number);
    const auto found = messages.find(number);
    run_.Require(found != messages.end(), "only what was put, and not consumed before, is delivered");
    const Message& message = found->second;
    run_.Require(message.holder == kNobody, "a message has one reader");
    run_.Require(message.position == claim.position && message.length == claim.length, "a message stays in its place");
    run_.Require(std::string(claim.bytes + sizeof number, claim.length - sizeof number) ==
                     Pattern(number, claim.length - sizeof number),
                 "a message stays whole");
    run_.Require(view.Holds(self, claim.position, kReading), "a claimed record is READING by its consumer");
    const Chain chain = view.Records();
    for (const auto& [position, record] : chain.places) {
      if (PositionDistance(position, chain.head) >= PositionDistance(claim.position, chain.head)) break;
      if (record.state != kReady) continue;
      const auto older = messages.find(view.NumberAt(position));
      run_.Require(older != messages.end(), "every READY record is a message");
      run_.Require(
          older->second.producer != message.producer || older->second.serial > message.serial || older->second.requeued,
          "a producer's messages are delivered in its order");
    }
  }

  const RingShape shape_;
  const Interleaving& run_;
  uint64_t touches_ = 0;
  std::vector<uint64_t> touched_;
};

}  // namespace multiproc
