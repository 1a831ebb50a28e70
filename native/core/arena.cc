#include "core/arena.h"

#include <string.h>

#include "core/barrier.h"
#include "core/condition.h"
#include "core/lock.h"

namespace multiproc {
namespace {

constexpr uint64_t Life(uint32_t generation, BlockState state) { return uint64_t{generation} << 8 | state; }
constexpr BlockState StateOf(uint64_t life) { return static_cast<BlockState>(life & 0xff); }
constexpr uint32_t GenerationOf(uint64_t life) { return static_cast<uint32_t>(life >> 8); }

bool HasSyncBody(ObjectKind kind) { return kind >= ObjectKind::kLock && kind <= ObjectKind::kBarrier; }

bool HasSlots(ObjectKind kind) { return kind == ObjectKind::kCondition || kind == ObjectKind::kBarrier; }

}  // namespace

std::string Block::meta() const {
  const BlockHeader& h = header();
  const uint64_t end = h.units * kBlockUnit;
  const uint64_t size = h.meta_bytes <= kMetaMax && h.meta_bytes <= end ? h.meta_bytes : 0;
  return std::string(base_ + offset_ + end - size, size);
}

uint64_t Block::BytesFor(const BlockRequest& request, uint32_t participants) {
  uint64_t bytes = BodyOffsetFor(participants);
  if (HasSyncBody(request.kind)) bytes += sizeof(SyncBody) + (participants + 63) / 64 * 8;
  if (HasSlots(request.kind)) bytes += participants * sizeof(uint32_t);
  if (request.data_bytes > 0) bytes = RoundUp(bytes, 64) + request.data_bytes;
  return RoundUp(bytes + request.meta.size(), 64);
}

Arena::Arena(char* body, uint64_t body_bytes, uint64_t uuid, Registry* registry, Shared<uint32_t>* poisoned)
    : body_(body),
      body_bytes_(body_bytes),
      uuid_(uuid),
      registry_(registry),
      poisoned_(poisoned),
      control_(reinterpret_cast<ArenaControl*>(body)) {}

void Arena::Format(char* body) {
  auto* control = reinterpret_cast<ArenaControl*>(body);
  control->used.Store(sizeof(ArenaControl), std::memory_order_relaxed);  // relaxed: not published yet
  control->creator = Registry::kNobody;
}

void Arena::BecomeCreator() { control_->creator = registry_->self(); }

bool Arena::Used(const Block& block) const {
  for (uint32_t w = 0; w < registry_->words(); w++) {
    if (block.users(w).Load(std::memory_order_seq_cst) != 0) return true;  // ORDER(block-life)
  }
  return false;
}

bool Arena::TryReclaim(Block block) {
  uint64_t life = block.header().life.Load(std::memory_order_acquire);
  const uint32_t generation = GenerationOf(life);
  if (StateOf(life) != kBlockAlive) return true;
  // ORDER(block-life): mark, look, then decide; a user that comes in between revives the block and we lose the CAS.
  if (Used(block) || !block.header().life.CompareExchange(life, Life(generation, kBlockDying))) return false;
  life = Life(generation, kBlockDying);
  if (Used(block)) {
    block.header().life.CompareExchange(life, Life(generation, kBlockAlive));
    return false;
  }
  if (!block.header().life.CompareExchange(life, Life(generation + 1, kBlockFree))) return false;
  free_[BytesOf(block)].push_back(block.offset());
  return true;
}

Block Arena::Allocate(const BlockRequest& request) {
  const uint64_t bytes = Block::BytesFor(request, registry_->count());
  if (bytes > UINT32_MAX * kBlockUnit) return Block();
  uint64_t offset = 0;
  auto reusable = free_.find(bytes);
  if ((reusable == free_.end() || reusable->second.empty()) && !closed_.empty()) {
    std::erase_if(closed_, [&](uint64_t at) { return TryReclaim(At(at)); });
    reusable = free_.find(bytes);
  }
  uint64_t generation = 1;
  if (reusable != free_.end() && !reusable->second.empty()) {
    offset = reusable->second.back();
    reusable->second.pop_back();
    generation = GenerationOf(At(offset).header().life.Load(std::memory_order_relaxed));  // relaxed: we wrote it
    // The users bitmap stays: it is empty, but for the bit of somebody who is just finding out that the old object is
    // gone.
    memset(body_ + offset + At(offset).BodyOffset(), 0, bytes - At(offset).BodyOffset());
  } else {
    offset = control_->used.Load(std::memory_order_relaxed);  // relaxed: written by us alone
    if (offset + bytes > body_bytes_) return Block();
    At(offset).header().units = static_cast<uint32_t>(bytes / kBlockUnit);
    At(offset).header().seal = SealOf(offset);
  }
  const Block block = At(offset);
  BlockHeader& header = block.header();
  header.kind = static_cast<uint32_t>(request.kind);
  header.data_bytes = request.data_bytes;
  header.parameter[0] = request.parameter[0];
  header.parameter[1] = request.parameter[1];
  header.meta_bytes = static_cast<uint32_t>(request.meta.size());
  memcpy(body_ + offset + bytes - request.meta.size(), request.meta.data(), request.meta.size());
  FAULT_POINT();
  const uint32_t self = registry_->self();
  block.users(self / 64).FetchOr(uint64_t{1} << (self % 64));
  // ORDER(block-life): everything above is visible to whoever finds it alive.
  header.life.Store(Life(static_cast<uint32_t>(generation), kBlockAlive), std::memory_order_seq_cst);
  if (offset == control_->used.Load(std::memory_order_relaxed)) {
    // ORDER(arena-used): the block is complete before the walk can reach it.
    control_->used.Store(offset + bytes, std::memory_order_release);
  }
  return block;
}

bool Arena::Attach(uint64_t offset, uint32_t generation, Block* out) {
  const uint64_t used = control_->used.Load(std::memory_order_acquire);  // ORDER(arena-used)
  if (offset < sizeof(ArenaControl) || offset % 64 != 0 || used > body_bytes_ || offset + sizeof(BlockHeader) > used)
    return false;
  const Block block = At(offset);
  const uint32_t self = registry_->self();
  const uint64_t bit = uint64_t{1} << (self % 64);
  // An offset that is no block's start would make us write into user memory. Seal and size are constant once carved.
  const BlockHeader& header = block.header();
  const uint64_t bytes = BytesOf(block);
  if (header.seal != SealOf(offset) || bytes < block.BodyOffset() || offset + bytes > used) return false;
  // ORDER(block-life): bit first, then life.
  const bool had = (block.users(self / 64).FetchOr(bit) & bit) != 0;
  bool alive = false;
  for (;;) {
    uint64_t life = block.header().life.Load(std::memory_order_seq_cst);
    if (GenerationOf(life) != generation || StateOf(life) == kBlockFree) break;
    alive = StateOf(life) == kBlockAlive || block.header().life.CompareExchange(life, Life(generation, kBlockAlive));
    if (alive) break;
  }
  // Now a user, so that nobody reuses the block: the rest of its header can be read.
  const uint64_t data_end =
      !alive || header.data_bytes == 0 ? block.BodyOffset() : RoundUp(block.BodyOffset(), 64) + header.data_bytes;
  if (!alive || header.meta_bytes > kMetaMax || header.data_bytes > bytes || data_end + header.meta_bytes > bytes) {
    if (!had) block.users(self / 64).FetchAnd(~bit);
    return false;
  }
  *out = block;
  return true;
}

bool Arena::AttachFirst(Block* out) {
  const uint64_t life = At(sizeof(ArenaControl)).header().life.Load(std::memory_order_acquire);
  return Attach(sizeof(ArenaControl), GenerationOf(life), out);
}

void Arena::Detach(Block block) {
  if (block.kind() == ObjectKind::kLock && Lock(block).Mine() && !Lock(block).Held()) return;
  RepairBlock(block, registry_->self());
  if (IsCreator() && !TryReclaim(block)) closed_.push_back(block.offset());
}

template <typename Visit>
void Arena::ForEachBlock(Visit visit) {
  const uint64_t used = control_->used.Load(std::memory_order_acquire);  // ORDER(arena-used)
  const uint64_t least = Block::BodyOffsetFor(registry_->count());
  uint64_t offset = sizeof(ArenaControl);
  while (offset < used) {
    const uint64_t bytes = used <= body_bytes_ && offset + sizeof(BlockHeader) <= used ? BytesOf(At(offset)) : 0;
    if (bytes < least || offset + bytes > used) {
      if (poisoned_->Exchange(1) == 0) registry_->RingEverybody();
      return;
    }
    if (!visit(At(offset))) return;
    offset += bytes;
  }
}

uint64_t Arena::CountAlive() {
  uint64_t alive = 0;
  ForEachBlock([&](Block block) {
    alive += StateOf(block.header().life.Load(std::memory_order_acquire)) == kBlockAlive ? 1 : 0;
    return true;
  });
  return alive;
}

void Arena::RepairBlock(Block block, uint32_t participant) {
  const uint64_t bit = uint64_t{1} << (participant % 64);
  // ORDER(block-life): its bit keeps the creator from taking the block back; without it the memory may be another
  // object's by now, and the participant cannot own anything here.
  if ((block.users(participant / 64).Load(std::memory_order_seq_cst) & bit) == 0) return;
  // It may have died while attaching, when the creator was about to take the block: as in Attach, revive it or see it
  // go.
  uint64_t life = block.header().life.Load(std::memory_order_seq_cst);
  while (StateOf(life) == kBlockDying &&
         !block.header().life.CompareExchange(life, Life(GenerationOf(life), kBlockAlive))) {
  }
  if (StateOf(life) != kBlockFree && HasSyncBody(block.kind())) {
    block.waiters().Disarm(participant);
    switch (block.kind()) {
      case ObjectKind::kLock:
      case ObjectKind::kRLock:
        Lock(block).Repair(participant);
        break;
      case ObjectKind::kCondition:
        Condition(block).Repair(participant);
        break;
      case ObjectKind::kBarrier:
        Barrier(block).Repair(participant);
        break;
      default:
        break;
    }
  }
  // Last, so that a reaper that dies before it leaves the user, and with it the block, in place.
  block.users(participant / 64).FetchAnd(~bit);
}

void Arena::Repair(uint32_t participant) {
  ForEachBlock([&](Block block) {
    RepairBlock(block, participant);
    return true;
  });
}

}  // namespace multiproc
