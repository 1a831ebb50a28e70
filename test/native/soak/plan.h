// Plan: who takes part in the soak, and what they share.
#pragma once

#include <array>
#include <cstdint>
#include <string>

namespace multiproc::soak {

enum class Role : uint32_t { kProducer, kConsumer, kLocker, kObserver };

inline const char* NameOf(Role role) {
  constexpr const char* kNames[] = {"producer", "consumer", "locker", "observer"};
  return kNames[static_cast<uint32_t>(role)];
}

// ---- the queues

struct RingPlan {
  const char* name;
  uint64_t lines;
  uint64_t maxsize;
  bool counted;  // got by taking, with done and requeue
  bool ends;     // one direction of a pipe
};

// A message longer than a quarter of a ring spills: from 16 KiB in those of 1,024 lines, from 512 KiB in the large one.
inline constexpr RingPlan kRings[] = {
    {"small", 1024, 0, false, false}, {"bounded", 1024, 16, false, false}, {"large", 32768, 0, false, false},
    {"tasks", 4096, 64, true, false}, {"pipe", 1024, 0, false, true},
};
inline constexpr uint32_t kRingCount = sizeof kRings / sizeof kRings[0];
inline constexpr uint64_t kMostLines = 32768;
inline constexpr uint64_t kMostBytes = 8 << 20;
// More than ever are joined, the dead that nobody has found yet included.
inline constexpr uint32_t kParticipants = 32;

// ---- the seats: when who sits there is killed, another one takes the seat

struct SeatPlan {
  Role role;
  uint32_t ring;  // of producers and consumers
};

inline constexpr SeatPlan kSeats[] = {
    {Role::kProducer, 0}, {Role::kProducer, 0}, {Role::kProducer, 1}, {Role::kProducer, 1}, {Role::kProducer, 2},
    {Role::kProducer, 3}, {Role::kProducer, 3}, {Role::kProducer, 4}, {Role::kConsumer, 0}, {Role::kConsumer, 0},
    {Role::kConsumer, 1}, {Role::kConsumer, 2}, {Role::kConsumer, 2}, {Role::kConsumer, 3}, {Role::kConsumer, 3},
    {Role::kConsumer, 4}, {Role::kLocker, 0},   {Role::kLocker, 0},   {Role::kLocker, 0},   {Role::kLocker, 0},
    {Role::kLocker, 0},   {Role::kLocker, 0},   {Role::kObserver, 0},
};
inline constexpr uint32_t kSeatCount = sizeof kSeats / sizeof kSeats[0];
inline const char* NameOfSeat(uint32_t seat) { return seat == kSeatCount ? "auditor" : NameOf(kSeats[seat].role); }
// Producers come first: the number of the seat is that of its stream of messages.
inline constexpr uint32_t kStreams = 8;
static_assert(kSeats[kStreams - 1].role == Role::kProducer && kSeats[kStreams].role != Role::kProducer);

// ---- the objects, all in one arena

enum class Object : uint32_t { kLock, kHeldLock, kRLock, kConditionLock, kCondition, kSemaphore, kEvent, kBarrier };
inline constexpr uint32_t kObjectCount = 8;
// Those that guard something.
inline constexpr uint32_t kLocks = 4;
inline constexpr uint32_t kPermits = 1;
inline constexpr uint32_t kParties = 2;
inline constexpr const char* kArenaName = "objects";

}  // namespace multiproc::soak
