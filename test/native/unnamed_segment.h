// UnnamedSegment: registry and body in a file that never gets a name, mapped once for all threads and forked children.
//
// Participants are told apart by open file description, so each Member opens the file anew. The single mapping is what
// lets ThreadSanitizer relate the accesses of two participants; segments opened by name have one mapping each.
#pragma once

#include <fcntl.h>
#include <stdio.h>

#include "check.h"
#include "core/arena.h"
#include "core/ring.h"
#include "platform/mapping.h"
#include "platform/process_info.h"
#include "platform/shm_file.h"

namespace multiproc {

class UnnamedSegment {
 public:
  UnnamedSegment(uint32_t participants, uint64_t body_bytes, uint64_t twice)
      : participants_(participants), body_bytes_(body_bytes) {
    body_offset_ = RoundUp(kHeaderBytes + participants * sizeof(RegistrySlot), 4096);
    CHECK_EQ(CreateUnnamed(body_offset_ + body_bytes, &file_), 0);
    CHECK_EQ(mapping_.Map(file_.get(), body_offset_ + body_bytes, twice), 0);
    RandomBytes(&uuid_, sizeof uuid_);
  }

  Descriptor Reopen() const {
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", file_.get());
    Descriptor fd(open(path, O_RDWR | O_CLOEXEC));
    CHECK(fd.valid());
    return fd;
  }
  Shared<uint32_t>* poisoned() const { return &reinterpret_cast<SegmentHeader*>(mapping_.base())->poisoned; }
  RegistrySlot* slots() const { return reinterpret_cast<RegistrySlot*>(mapping_.base() + kHeaderBytes); }
  char* body() const { return mapping_.base() + body_offset_; }
  uint64_t body_bytes() const { return body_bytes_; }
  uint64_t uuid() const { return uuid_; }
  // Takes the number of a published queue: spill files of a queue that no sweep can see are removed by the next one.
  void set_uuid(uint64_t uuid) { uuid_ = uuid; }
  uint32_t participants() const { return participants_; }

 private:
  uint32_t participants_;
  uint64_t body_bytes_;
  uint64_t body_offset_;
  uint64_t uuid_;
  Descriptor file_;
  Mapping mapping_;
};

// What RingMember and ArenaMember share: a participant with a descriptor of its own. Joins when told; leaves at its
// end.
template <typename Body>
class Member {
 public:
  Member(const Member&) = delete;
  Member& operator=(const Member&) = delete;
  ~Member() { registry.Leave(body); }

  void Join() { CHECK(registry.Join(body)); }
  void Leave() { registry.Leave(body); }
  uint32_t ReapAll() { return registry.ReapAll(body); }
  uint32_t self() const { return registry.self(); }
  Body* operator->() { return &body; }

  Descriptor fd;
  Registry registry;
  Body body;

 protected:
  Member(const UnnamedSegment& segment, Body made) : fd(segment.Reopen()), body(std::move(made)) {
    registry.Attach(fd.get(), segment.slots(), segment.participants());
  }
};

// ---- rings

struct RingShape {
  uint64_t lines = 64;
  uint64_t maxsize = 0;
  bool counted = false;
  uint64_t start = 0;
  uint32_t participants = 8;
};

class RingSegment : public UnnamedSegment {
 public:
  explicit RingSegment(const RingShape& of)
      : UnnamedSegment(of.participants, RingPlaces::Of(of.lines, of.counted).total, of.lines * kLineBytes), shape(of) {
    Ring::Format(body(), shape.lines, shape.counted, shape.start);
  }
  QueueControl& control() const { return *reinterpret_cast<QueueControl*>(body()); }
  Shared<uint64_t>* words() const {
    return reinterpret_cast<Shared<uint64_t>*>(body() + RingPlaces::Of(shape.lines, shape.counted).states);
  }
  // The state word of a line: bits 0-2 and 3-5 of its index are swapped.
  Shared<uint64_t>& WordAt(uint64_t position) const {
    const uint64_t i = position & (shape.lines - 1);
    return words()[(i & ~uint64_t{63}) | ((i & 7) << 3) | ((i >> 3) & 7)];
  }

  const RingShape shape;
};

class RingMember : public Member<Ring> {
 public:
  explicit RingMember(const RingSegment& s)
      : Member(s, Ring(s.body(), &registry, s.poisoned(), s.shape.lines, s.shape.maxsize, s.shape.counted)) {}
};

// ---- arenas

inline BlockRequest Of(ObjectKind kind, double first = 0, double second = 0) {
  BlockRequest request;
  request.kind = kind;
  request.parameter[0] = first;
  request.parameter[1] = second;
  return request;
}

class ArenaSegment : public UnnamedSegment {
 public:
  explicit ArenaSegment(uint32_t participants = 8, uint64_t bytes = 65536) : UnnamedSegment(participants, bytes, 0) {
    Arena::Format(body());
  }
};

class ArenaMember : public Member<Arena> {
 public:
  explicit ArenaMember(const ArenaSegment& s)
      : Member(s, Arena(s.body(), s.body_bytes(), s.uuid(), &registry, s.poisoned())) {}
};

}  // namespace multiproc
