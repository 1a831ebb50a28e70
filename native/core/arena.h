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
// Invariants     Only the creator allocates, so the free list and the end of what is used are its private memory.
// `used`
//                grows only; blocks below it are complete and walkable. A block keeps its size for ever. What a header
//                says of an object is read once, checked and copied; only `life` and the words of the body are read
//                again.
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

// What the header of a block says, as it was when it was checked: private memory.
struct BlockFacts {
  uint64_t bytes = 0;  // the whole block
  ObjectKind kind = ObjectKind::kNone;
  uint32_t meta_bytes = 0;
  uint64_t data_bytes = 0;
  double parameter[2] = {0, 0};
};

// One object in an arena, addressed. Copyable; valid while the arena's segment is open.
class Block {
 public:
  Block() = default;
  Block(char* base, uint64_t offset, Registry* registry, const BlockFacts& facts)
      : base_(base), offset_(offset), registry_(registry), facts_(facts) {}

  BlockHeader& header() const { return *reinterpret_cast<BlockHeader*>(base_ + offset_); }
  uint64_t offset() const { return offset_; }
  uint32_t generation() const { return static_cast<uint32_t>(header().life.Load(std::memory_order_acquire) >> 8); }
  const BlockFacts& facts() const { return facts_; }
  ObjectKind kind() const { return facts_.kind; }
  SyncBody& sync() const { return *reinterpret_cast<SyncBody*>(base_ + offset_ + BodyOffset()); }
  WaitQueue waiters() const {
    return WaitQueue(&sync().waiter_summary, reinterpret_cast<Shared<uint64_t>*>(&sync() + 1), registry_->words());
  }
  // Condition and barrier: one word per participant.
  Shared<uint32_t>& slot(uint32_t participant) const {
    return reinterpret_cast<Shared<uint32_t>*>(reinterpret_cast<char*>(&sync() + 1) +
                                               registry_->words() * 8)[participant];
  }
  char* data() const { return base_ + offset_ + RoundUp(BodyEndFor(kind(), registry_->count()), 64); }
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
  // Bytes before the user memory, but for its alignment.
  static uint64_t BodyEndFor(ObjectKind kind, uint32_t participants);
  // Bytes of a whole block.
  static uint64_t BytesFor(const BlockRequest& request, uint32_t participants) {
    return BytesFor(request.kind, request.data_bytes, request.meta.size(), participants);
  }
  static uint64_t BytesFor(ObjectKind kind, uint64_t data_bytes, uint64_t meta_bytes, uint32_t participants);

 private:
  char* base_ = nullptr;
  uint64_t offset_ = 0;
  Registry* registry_ = nullptr;
  BlockFacts facts_;
};

class Arena : public Repairer {
 public:
  Arena(char* body, uint64_t body_bytes, uint64_t uuid, Registry* registry, Shared<uint32_t>* poisoned);

  static void Format(char* body);
  // Declares this participant the one that allocates. Before publication.
  void BecomeCreator();

  // REQUIRES: this participant is the creator. A zeroed block with our user bit set, or offset 0 if the arena is full.
  Block Allocate(const BlockRequest& request);
  // Registers us as a user of an existing object. False if it is gone or was never there, and if its header is
  // impossible, which poisons.
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
  BlockHeader& HeaderAt(uint64_t offset) const { return *reinterpret_cast<BlockHeader*>(body_ + offset); }
  Block At(uint64_t offset, const BlockFacts& facts) const { return Block(body_, offset, registry_, facts); }
  // Bytes of the block at an offset below `used`, which was checked; 0 if none can begin there.
  uint64_t BytesAt(uint64_t offset, uint64_t used) const;
  // Reads what the header says of an object that nobody reuses meanwhile. False if that is impossible in so many bytes.
  bool Read(uint64_t offset, uint64_t bytes, BlockFacts* facts) const;
  void Poison();
  bool Used(const Block& block) const;
  bool TryReclaim(const Block& block);
  // A block of which only the size is known is read.
  void RepairBlock(const Block& block, uint32_t participant);
  // Calls visit(offset, bytes) for every carved block; poisons and stops at an impossible one.
  template <typename Visit>
  void ForEachBlock(Visit visit);

  char* body_;
  uint64_t body_bytes_;
  uint64_t uuid_;
  Registry* registry_;
  Shared<uint32_t>* poisoned_;
  ArenaControl* control_;
  // The creator's own, like all that follows. Others only read what it publishes.
  bool creator_ = false;
  uint64_t used_ = 0;
  std::map<uint64_t, std::vector<uint64_t>> free_;  // block bytes -> offsets
  std::vector<Block> closed_;                       // blocks that we left while others still used them
};

}  // namespace multiproc
