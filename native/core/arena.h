// Arena: the allocator and registry of small objects in one segment (and of the single object of a "memory" segment).
//
// Guarantee      A block is handed out again only when no participant uses it. An object named by (offset,
//                generation) is either that very object or reported as gone.
// Blocking       Never.
// Process death  Of a user: Repair clears its bit in every block, hands on its locks, breaks its barriers. Of the
//                creator: nobody allocates any more; the objects live on until their last user has gone.
// Memory order   ORDER(block-life): a user sets its bit, then reads `life`; the creator marks DYING, then reads the
//                bits. Both seq_cst: either the creator sees the user or the user sees DYING, and then revives the
//                block by a CAS that competes with the creator's last one.
// Invariants     Only the creator allocates, so the free list is its private memory. `used` grows only; blocks below
//                it are complete and walkable. A block keeps its size for ever.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/layout.h"
#include "core/registry.h"
#include "core/wait_queue.h"

namespace multiproc {

struct BlockRequest {
  ObjectKind kind = ObjectKind::kNone;
  uint64_t data_bytes = 0;
  double parameter[2] = {0, 0};
  std::string meta;
};

// One object in an arena, addressed. Copyable; valid while the arena's segment is open.
class Block {
 public:
  Block() = default;
  Block(char* base, uint64_t offset, Registry* registry) : base_(base), offset_(offset), registry_(registry) {}

  BlockHeader& header() const { return *reinterpret_cast<BlockHeader*>(base_ + offset_); }
  uint64_t offset() const { return offset_; }
  uint32_t generation() const { return static_cast<uint32_t>(header().life.Load(std::memory_order_acquire) >> 8); }
  ObjectKind kind() const { return static_cast<ObjectKind>(header().kind); }
  SyncBody& sync() const { return *reinterpret_cast<SyncBody*>(base_ + offset_ + BodyOffset()); }
  WaitQueue waiters() const {
    return WaitQueue(&sync().waiter_summary, reinterpret_cast<Shared<uint64_t>*>(&sync() + 1), registry_->words());
  }
  // Condition and barrier: one word per participant.
  Shared<uint32_t>& slot(uint32_t participant) const {
    return reinterpret_cast<Shared<uint32_t>*>(reinterpret_cast<char*>(&sync() + 1) +
                                               registry_->words() * 8)[participant];
  }
  char* data() const { return base_ + offset_ + RoundUp(BodyOffset(), 64); }
  std::string meta() const;
  Registry& registry() const { return *registry_; }

  Shared<uint64_t>& users(uint32_t word) const {
    return reinterpret_cast<Shared<uint64_t>*>(base_ + offset_ + sizeof(BlockHeader))[word];
  }

  // Bytes of the header and the users bitmap.
  uint64_t BodyOffset() const { return BodyOffsetFor(registry_->count()); }
  static uint64_t BodyOffsetFor(uint32_t participants) {
    return RoundUp(sizeof(BlockHeader) + (participants + 63) / 64 * 8, 32);
  }
  // Bytes of a whole block.
  static uint64_t BytesFor(const BlockRequest& request, uint32_t participants);

 private:
  char* base_ = nullptr;
  uint64_t offset_ = 0;
  Registry* registry_ = nullptr;
};

class Arena : public Repairer {
 public:
  Arena(char* body, uint64_t body_bytes, uint64_t uuid, Registry* registry, Shared<uint32_t>* poisoned);

  static void Format(char* body);
  // Declares this participant the one that allocates. Before publication.
  void BecomeCreator();

  // REQUIRES: this participant is the creator. A zeroed block with our user bit set, or offset 0 if the arena is full.
  Block Allocate(const BlockRequest& request);
  // Registers us as a user of an existing object. False if it is gone or was never there.
  bool Attach(uint64_t offset, uint32_t generation, Block* out);
  // The only block of a named or memory segment.
  bool AttachFirst(Block* out);
  // We no longer use it: what we held of it through hold, re-entrantly or as a waiter is handed on as if we had died. A
  // Lock that we took by plain acquire may be another process's to release: it stays ours until we leave the segment.
  // The creator takes the memory back if nobody else does, now or at a later allocation.
  void Detach(Block block);

  // Objects alive now; statistics.
  uint64_t CountAlive();

  void Repair(uint32_t participant) override;

 private:
  uint64_t SealOf(uint64_t offset) const { return (uuid_ ^ offset) * 0x9e3779b97f4a7c15ull; }
  bool IsCreator() const { return registry_->self() == control_->creator; }
  uint64_t BytesOf(const Block& block) const { return block.header().units * kBlockUnit; }
  Block At(uint64_t offset) { return Block(body_, offset, registry_); }
  bool Used(const Block& block) const;
  bool TryReclaim(Block block);
  void RepairBlock(Block block, uint32_t participant);
  // Calls visit(block) for every carved block; poisons and stops at an impossible one.
  template <typename Visit>
  void ForEachBlock(Visit visit);

  char* body_;
  uint64_t body_bytes_;
  uint64_t uuid_;
  Registry* registry_;
  Shared<uint32_t>* poisoned_;
  ArenaControl* control_;
  std::map<uint64_t, std::vector<uint64_t>> free_;  // creator only: block bytes -> offsets
  std::vector<uint64_t> closed_;                    // creator only: blocks that we left while others still used them
};

}  // namespace multiproc
