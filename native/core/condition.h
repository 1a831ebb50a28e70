// Condition: the waiting room of a condition variable. The lock that belongs to it is another object.
//
// Guarantee      Notify(n) wakes n of those that had entered, and no later ones. A notification is taken by exactly
//                one waiter.
// Blocking       Notify never waits, neither for the lock nor for the woken.
// Process death  Of a waiter: Repair passes the notifications that it had not taken on to others, and forgets it. (A
//                reaper killed between the two passes them on twice: a spurious wake-up, which every waiter must
//                expect.)
// Memory order   ORDER(condition): Notify's CAS on a slot is seen by the waiter's. The data is protected by the lock,
//                not by this. Layout slot[i] = granted << 16 | waiting, for participant i; SyncBody.word = where the
//                next Notify starts looking.
#pragma once

#include "core/arena.h"
#include "core/status.h"

namespace multiproc {

class Condition {
 public:
  explicit Condition(Block block) : block_(block), body_(block.sync()) {}

  // One more waiter of this participant. kSystem if it has 65,535 already.
  Status Enter();
  // Takes a notification: kOk and no longer waiting, or kAgain.
  Status TryTake();
  // Gives up: true if a notification had come and was taken.
  bool Leave();
  uint32_t Notify(uint32_t n);
  uint32_t Waiting() const;

  void Repair(uint32_t participant);

 private:
  static constexpr uint32_t kOneWaiting = 1;
  static constexpr uint32_t kOneGranted = 1u << 16;
  static uint32_t WaitingOf(uint32_t slot) { return slot & 0xffff; }
  static uint32_t GrantedOf(uint32_t slot) { return slot >> 16; }
  Shared<uint32_t>& Mine() const { return block_.slot(block_.registry().self()); }

  Block block_;
  SyncBody& body_;
};

}  // namespace multiproc
