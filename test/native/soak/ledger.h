// Ledger: what the soak knows of everybody and everything, in plain memory of its own that no death, no repair and no
// bug of the library touches. Who writes a word is said at the word.
#pragma once

#include <stdarg.h>
#include <stdio.h>

#include <atomic>

#include "check.h"
#include "core/ring_word.h"
#include "doing.h"
#include "plan.h"

namespace multiproc::soak {

// A message: number n of the stream of a producer's seat. 0 is none.
struct MessageId {
  uint64_t raw = 0;
  static MessageId Of(uint32_t stream, uint64_t n) { return {uint64_t{stream + 1} << 56 | n}; }
  uint32_t stream() const { return static_cast<uint32_t>(raw >> 56) - 1; }
  uint64_t n() const { return raw & ((uint64_t{1} << 56) - 1); }
};

// By its producer, between its reservation and its commit, until said otherwise.
struct Entry {
  enum : uint8_t { kEnded = 1, kAborted = 2, kSpilled = 4 };

  std::atomic<uint64_t> number;    // n + 1 of the message that the entry is of
  std::atomic<uint64_t> position;  // of its record
  std::atomic<uint64_t> length;
  std::atomic<uint32_t> producer;  // incarnation
  std::atomic<uint8_t> marks;
  // By consumers.
  std::atomic<uint32_t> holder;  // incarnation that has it in its hands
  std::atomic<uint32_t> claims;
  std::atomic<uint32_t> attempts_began, attempts_ended;  // around CountAttempt
  std::atomic<uint32_t> consumed;                        // Release returned
};

struct Stream {
  // Messages that may be unsettled at a time; a producer that is farther ahead waits for the auditor.
  static constexpr uint64_t kWindow = 1 << 15;

  Entry& At(uint64_t n) { return entries[n % kWindow]; }

  std::atomic<uint64_t> next;     // by the producer
  std::atomic<uint64_t> settled;  // by the auditor: all before are accounted for
  Entry entries[kWindow];
};

struct RingBooks {
  std::atomic<uint64_t> id_at[kMostLines];  // of the message whose record begins on that line; by its producer
  // By consumers.
  std::atomic<uint64_t> late;  // came after a younger one of their producer, for no reason in the ledger
  std::atomic<uint64_t> claims, requeued, redelivered;
  std::atomic<uint64_t> refused;  // by producers: /dev/shm was full
  // By the supervisor: died inside TryClaim, so that what they had claimed comes back unseen.
  std::atomic<uint64_t> died_claiming;
  // By the auditor, of all that is settled: puts that returned, and those that did not and yet were got, or were not;
  // what was got, and what its consumer took to the grave.
  std::atomic<uint64_t> put, unreturned_put, unreturned_dropped, aborted;
  std::atomic<uint64_t> received, lost_with_killed, spilled, bytes, longest, empty;
  std::atomic<uint64_t> head, tail, size, flags, waiting;  // as it saw them last
};

// What a lock guards: plain words, which two at a time would spoil.
struct Guarded {
  uint64_t first, second;
  std::atomic<uint32_t> inside;          // incarnation of the owner
  std::atomic<uint64_t> entries, told;   // by owners
  std::atomic<uint64_t> told_of_nobody;  // told of a death although the ledger shows nobody inside
  std::atomic<uint64_t> died_around;     // by the supervisor: inside TryAcquire, or in Release
  std::atomic<uint64_t> died_inside;
};

struct Rounds {
  static constexpr uint32_t kKept = 4096;
  // Rounds back for which the library knows exactly what became of them.
  static constexpr uint32_t kRemembered = 12;
  struct Round {
    uint32_t number, released, broken, indices;
    static Round Unpack(uint64_t word) {
      return {static_cast<uint32_t>(word >> 32), static_cast<uint32_t>(word >> 16) & 0xff,
              static_cast<uint32_t>(word >> 24) & 0xff, static_cast<uint32_t>(word) & 0xffff};
    }
    uint64_t Pack() const { return uint64_t{number} << 32 | broken << 24 | released << 16 | indices; }
  };
  // By parties.
  std::atomic<uint64_t> arrivals_began, released, broken, newest;
  std::atomic<uint64_t> rounds_released;  // by who finished one
  std::atomic<uint64_t> rounds[kKept];
};

// One for each seat, by who sits there; the supervisor clears it for the next one.
struct Row {
  std::atomic<uint32_t> incarnation;
  std::atomic<Doing> doing;
  std::atomic<uint32_t> object;   // ring, lock or other object
  std::atomic<uint64_t> message;  // in its hands; at a meeting: the generation, or round + 1, that it waits for
  std::atomic<uint32_t> attached;
  std::atomic<int64_t> end_opened_at;  // of a pipe
  std::atomic<uint64_t> operations;    // completed by this incarnation
};

// How an incarnation ended; by the supervisor.
struct Fate {
  enum : uint32_t { kAlive, kDoomed, kBuried };  // doomed: SIGKILL is about to be sent
  std::atomic<uint32_t> state;
  Doing doing;
  uint64_t message;
  std::atomic<uint32_t> losses;  // by the auditor: messages that went with it
};

struct Ledger {
  static constexpr uint32_t kMostIncarnations = 1 << 20;
  // Calming: nobody is killed any more, and the auditor repairs and collects what the dead have left. Calm: so whatever
  // goes wrong now is nobody's death. Ending: all but consumers end. Draining: they have. Drained: consumers end.
  enum Phase : uint32_t { kFounding, kTorture, kCalming, kCalm, kEnding, kDraining, kDrained };

  // Leaves everything as the kernel zeroed it: touching it all would take longer than a kill.
  Ledger() {}

  bool Lives(uint32_t incarnation) const { return fates[incarnation].state.load() == Fate::kAlive; }
  bool IsBuried(uint32_t incarnation) const { return fates[incarnation].state.load() == Fate::kBuried; }
  Entry& Of(MessageId id) { return streams[id.stream()].At(id.n()); }
  // About to die, or dead and not written down yet.
  uint32_t CountDoomed() const {
    uint32_t doomed = 0;
    for (const Row& row : rows) doomed += fates[row.incarnation.load()].state.load() == Fate::kDoomed ? 1 : 0;
    return doomed;
  }

  // What must never be so has been seen. Written down first: the one who saw it may be killed before it ends.
  [[noreturn]] __attribute__((format(printf, 2, 3))) void Fail(const char* format, ...) {
    char text[400];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    fprintf(stderr, "soak: %s\n", text);
    failures.fetch_add(1);
    throw check::Failed{};
  }

  std::atomic<uint32_t> failures;
  std::atomic<uint32_t> phase;            // by the supervisor; kDrained by the auditor
  std::atomic<uint32_t> founded, calmed;  // by the auditor
  std::atomic<uint64_t> audits;
  std::atomic<uint64_t> generation;                     // by the auditor, before it notifies all and sets the event
  std::atomic<uint32_t> semaphore_closed;               // by the auditor, to count the permits
  std::atomic<uint64_t> permits_died, permits_unknown;  // by the supervisor
  std::atomic<uint64_t> permits_returned, permits_lost_unknown, permit_audits;  // by the auditor
  std::atomic<uint64_t> semaphore_uses, event_waits, notifications, grants_began, grants_ended, grants_taken;
  std::atomic<uint64_t> died_notifying, died_awaiting_notification, died_reaping;  // by the supervisor
  // Waits that succeeded at the end of a slice: nobody had woken them.
  std::atomic<uint64_t> woken_by_slice[kDoings], woken_by_slice_in_calm[kDoings];
  std::atomic<uint64_t> waits, waits_in_calm;  // that slept
  std::atomic<uint64_t> segments_made, segments_opened, segments_unlinked, swept, reaped, rejoined;
  struct Handle {
    uint64_t offset;
    uint32_t generation;
  } handles[kObjectCount];   // by the auditor, before the torture
  Row rows[kSeatCount + 1];  // the last is the auditor's
  Guarded locks[kLocks];
  Rounds barrier;
  RingBooks rings[kRingCount];
  Stream streams[kStreams];
  Fate fates[kMostIncarnations];
};

}  // namespace multiproc::soak
