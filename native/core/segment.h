// Segment: one shared-memory file of ours: create, publish, open, join, leave.
//
// Guarantee      Nobody ever sees a half-made segment: it is complete, joined and locked before it gets its name.
//                Whoever leaves last removes it. What is not ours, or damaged, is refused before it is mapped.
// Blocking       Never, but for a bounded wait (a second) for a process that is removing the very name just now. One
// that
//                was stopped in it keeps the name: removed or given away by others, it would be removed once more when
//                that process goes on. Open then finds nothing, Publish fails with TIMEOUT.
// Process death  Of the creator before Publish: nothing remains. Of the last user: the file remains as an orphan
//                (nobody holds its life lock) and goes at the next open of the name or the next sweep.
// Memory order   The header is constant after publication; its parameters are copied at open and never read again.
// Invariants     Every user holds the life byte shared from before it joins until after it has left; who holds it
//                exclusively is alone, and only then may the name be unlinked (or while holding it shared, by the
//                user's own wish).
#pragma once

#include <memory>
#include <string>

#include "core/layout.h"
#include "core/registry.h"
#include "core/status.h"
#include "platform/mapping.h"
#include "platform/shm_file.h"

namespace multiproc {

struct SegmentParameters {
  SegmentKind kind = SegmentKind::kArena;
  uint32_t participants = kDefaultParticipants;
  uint64_t body_bytes = 0;
  uint64_t lines = 0;
  uint64_t maxsize = 0;
  bool counted = false;
  std::string meta;
};

class Segment {
 public:
  // Makes a segment that has no name yet. Its body is zeroed.
  static std::unique_ptr<Segment> Create(const std::string& name, const SegmentParameters& parameters,
                                         Failure* failure);
  // Opens by segment name and maps it; not joined yet.
  static std::unique_ptr<Segment> Open(const std::string& name, Failure* failure);

  ~Segment();
  Segment(const Segment&) = delete;
  Segment& operator=(const Segment&) = delete;

  // Takes a participant slot. `repairer` must be ready to work on the body.
  bool Join(Repairer& repairer, Failure* failure);
  // Gives a created segment its name; it must be formatted and joined.
  bool Publish(Failure* failure);
  // Frees the slot and, if nobody else is left, removes the file. True if nobody was left.
  bool Leave(Repairer& repairer);
  // Are both the same file?
  bool IsSameFile(const Segment& other) const;
  // Does the name (still) lead to this very segment?
  bool NamesUs() const { return Names(name_); }
  // Removes the name now; whoever is joined goes on. False if it had gone, or with `failure` filled if it stays. A
  // queue gets a keeper's name instead, which nobody can open, so that a sweep still sees that the queue of its spilled
  // messages lives.
  bool Unlink(Failure* failure);

  const std::string& name() const { return name_; }
  const SegmentParameters& parameters() const { return parameters_; }
  uint64_t uuid() const { return uuid_; }
  uint64_t total_bytes() const { return total_bytes_; }
  char* body() const { return mapping_->base() + body_offset_; }
  Registry& registry() { return registry_; }
  Shared<uint32_t>* poisoned() const { return &header()->poisoned; }
  // Keeps the memory mapped while views of it are reachable.
  const std::shared_ptr<Mapping>& mapping() const { return mapping_; }

 private:
  Segment() = default;
  bool Names(const std::string& name) const;
  SegmentHeader* header() const { return reinterpret_cast<SegmentHeader*>(mapping_->base()); }

  std::string name_;
  SegmentParameters parameters_;
  uint64_t uuid_ = 0;
  uint64_t total_bytes_ = 0;
  uint64_t body_offset_ = 0;
  Descriptor fd_;
  std::shared_ptr<Mapping> mapping_;
  Registry registry_;
};

// Bytes of the body that an arena segment needs for a single block of this size.
inline uint64_t SingleBlockBody(uint64_t block_bytes) { return RoundUp(sizeof(ArenaControl) + block_bytes, 4096); }

// What became of a name when we tried to remove an orphan that may have it.
enum class Removal {
  kGone,       // nothing has the name
  kKept,       // it is in use, or not ours
  kUnsettled,  // somebody else is removing it, or it has just passed to another file
};
Removal TryRemoveOrphan(const std::string& segment_name);
// Removes the segment file if nobody uses it. True if it did.
inline bool RemoveIfOrphan(const std::string& segment_name) { return TryRemoveOrphan(segment_name) == Removal::kGone; }

// Reads and checks a header through a descriptor, without mapping: 0, or fills `failure`.
bool ReadHeader(int fd, SegmentHeader* header, Failure* failure);

}  // namespace multiproc
