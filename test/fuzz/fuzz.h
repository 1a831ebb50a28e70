// Fuzz: what the fuzz targets are written in. An input is a program: operations on shared memory, and lies about it.
//
// A finding is a crash, a report of a sanitizer, an access outside of what the target may touch, an outcome that is not
// documented, or an operation that goes on for longer than it can need.
#pragma once

#include "check.h"
#include "core/layout.h"
#include "core/status.h"
#include "fence.h"
#include "input.h"
#include "operation.h"
#include "unnamed_segment.h"

namespace multiproc::fuzz {

// So many participants act; the segment has room for more or fewer.
inline constexpr size_t kMembers = 3;

inline char* BaseOf(const UnnamedSegment& segment) { return reinterpret_cast<char*>(segment.slots()) - kHeaderBytes; }
inline char* SlotsOf(const UnnamedSegment& segment) { return reinterpret_cast<char*>(segment.slots()); }

// What is mapped of a segment, `twice` bytes of it once more behind its end.
inline Region ExtentOf(const UnnamedSegment& segment, uint64_t twice) {
  return {BaseOf(segment), static_cast<uint64_t>(segment.body() - BaseOf(segment)) + segment.body_bytes() + twice};
}

// Header and padding are not for operations, but for the flag.
inline void ForbidHeader(const UnnamedSegment& segment) {
  Forbid(BaseOf(segment), segment.poisoned());
  Forbid(segment.poisoned() + 2, segment.slots());
  Forbid(segment.slots() + segment.participants(), segment.body());
}

inline void ClearSlots(const UnnamedSegment& segment) {
  segment.poisoned()->Store(0, std::memory_order_relaxed);
  memset(SlotsOf(segment), 0, segment.participants() * sizeof(RegistrySlot));
}

// As the kernel does it: the descriptor goes with its locks, and nothing else happens.
template <typename Member>
void Kill(Member& member) {
  member.fd.Reset();
  member.registry = Registry();
}

// The first byte of an input chooses the place, the others are steps in it.
template <typename World, typename Place, size_t N>
int RunProgram(const uint8_t* bytes, size_t size, const Place (&places)[N], size_t most_steps) {
  Operation::BeginInput();
  Input in(bytes, size);
  World world(places[in.Byte() % N], in);
  for (size_t i = 0; i < most_steps && !in.ended(); i++) world.Step();
  return 0;
}

}  // namespace multiproc::fuzz
