// Status: the closed list of outcomes of core calls. Negative values cross the native boundary as they are.
#pragma once

#include <cstdint>
#include <string>

namespace multiproc {

enum Status : int32_t {
  kOk = 0,
  kOkOwnerDied = 1,   // acquired, and the previous owner died holding it
  kOkPresent = 2,     // the map has a value for the key already, which stays
  kAgain = -1,        // nothing now: empty, full, locked; or the wait slice ended
  kShutDown = -2,     // the queue was shut down
  kPoisoned = -3,     // shared memory failed a check; sticky
  kOverRelease = -4,  // released more often than acquired
  kNotOwner = -5,     // the caller does not own it
  kBroken = -6,       // the barrier is broken
  kTooLarge = -7,     // the message does not fit the ring inline
  kNoRoom = -8,       // the receiving memory is too small; nothing consumed
  kDeadlock = -9,     // an endless blocking acquire of what this thread holds
  kClosed = -10,      // the ref is not open
  kNoSpace = -11,     // /dev/shm is full
  kSystem = -12,      // a system call failed
  kFull = -13,        // the map has no room for that
  kAbsent = -14,      // the map has no such key
};

// Why a cold operation (create, open, attach) failed. `code` is the suffix of the public error code.
struct Failure {
  const char* code = nullptr;  // "NOT_FOUND", "EXISTS", "NO_SPACE", "KIND", "VERSION", "CORRUPT", "PERMISSION", ...
  std::string reason;          // completes "Cannot open 'x': "
  int error = 0;               // errno when the system failed, else 0
  uint64_t asked = 0;          // NO_SPACE: bytes asked for
  uint64_t free = 0;           // NO_SPACE: bytes free
};

}  // namespace multiproc
