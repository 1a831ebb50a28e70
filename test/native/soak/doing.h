// Doing: the steps of an actor, as it writes them down before it takes them. What it had written when it died tells
// what its death may have left undone.
#pragma once

#include <cstdint>

namespace multiproc::soak {

enum class Doing : uint32_t {
  kStarting,
  kAttaching,
  kNothing,
  kThrottled,
  // putting
  kReserving,
  kAwaitingRoom,
  kEntering,
  kWriting,
  kSpilling,
  kCommitting,
  kAborting,
  // getting
  kClaiming,
  kAwaitingMessage,
  kClaimed,
  kCounting,
  kReading,
  kReleasing,
  kFinishing,
  kRequeueing,
  kRemovingSpill,
  // locks
  kAcquiring,
  kAwaitingLock,
  kInside,
  kLeaving,
  // meetings
  kTakingPermit,
  kAwaitingPermit,
  kHoldingPermit,
  kGivingPermit,
  kNotifying,
  kEnteringCondition,
  kAwaitingNotification,
  kSettingEvent,
  kAwaitingEvent,
  kArriving,
  kAwaitingParties,
  kEndingRound,
  // segments
  kMakingSegment,
  kOpeningSegment,
  kUnlinkingSegment,
  kLeavingSegment,
  kReaping,
  kCollecting,
  kListing,
  kSweeping,
  kCount,
};

inline constexpr uint32_t kDoings = static_cast<uint32_t>(Doing::kCount);

inline const char* NameOf(Doing doing) {
  constexpr const char* kNames[] = {
      "starting",
      "attaching",
      "between operations",
      "waiting for the auditor",
      "reserving",
      "awaiting room",
      "between reserve and write",
      "writing",
      "spilling",
      "committing",
      "aborting",
      "claiming",
      "awaiting a message",
      "claimed",
      "counting an attempt",
      "reading",
      "releasing",
      "finishing a task",
      "requeueing",
      "removing a spill",
      "acquiring a lock",
      "awaiting a lock",
      "inside a lock",
      "leaving a lock",
      "taking a permit",
      "awaiting a permit",
      "holding a permit",
      "giving a permit",
      "notifying",
      "entering a condition",
      "awaiting a notification",
      "setting an event",
      "awaiting an event",
      "arriving at a barrier",
      "awaiting parties",
      "ending a round",
      "making a segment",
      "opening a segment",
      "unlinking a segment",
      "leaving a segment",
      "reaping",
      "collecting spills",
      "listing segments",
      "sweeping",
  };
  static_assert(sizeof kNames / sizeof kNames[0] == kDoings);
  return kNames[static_cast<uint32_t>(doing)];
}

}  // namespace multiproc::soak
