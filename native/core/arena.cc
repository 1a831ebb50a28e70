#include "core/arena.h"

#include <string.h>

#include "core/barrier.h"
#include "core/condition.h"
#include "core/hash_map.h"
#include "core/lock.h"

namespace multiproc {
namespace {

constexpr uint64_t Life(uint32_t generation, BlockState state) { return uint64_t{generation} << 8 | state; }
constexpr BlockState StateOf(uint64_t life) { return static_cast<BlockState>(life & 0xff); }
constexpr uint32_t GenerationOf(uint64_t life) { return static_cast<uint32_t>(life >> 8); }

bool HasSyncBody(ObjectKind kind) {
  return (kind >= ObjectKind::kLock && kind <= ObjectKind::kBarrier) || kind == ObjectKind::kMap;
}

bool HasSlots(ObjectKind kind) { return kind == ObjectKind::kCondition || kind == ObjectKind::kBarrier; }

// A plain field of shared memory, read exactly once: what is checked afterwards is what was read.
template <typename T>
T Once(const T& field) {
  return *static_cast<const volatile T*>(&field);
}

// Can it be converted to a counter? False for what is not a number.
bool IsCount(double number) { return number >= 0 && number <= UINT32_MAX; }

bool IsPossible(const BlockFacts& facts, uint32_t participants) {
  if (facts.kind < ObjectKind::kLock || facts.kind > kLastObjectKind || facts.kind == ObjectKind::kQueue) return false;
  if (facts.meta_bytes > kMetaMax || facts.data_bytes > facts.bytes) return false;
  if (Block::BytesFor(facts.kind, facts.data_bytes, facts.meta_bytes, participants) > facts.bytes) return false;
  switch (facts.kind) {
    case ObjectKind::kSemaphore:
    case ObjectKind::kBoundedSemaphore:
      return IsCount(facts.parameter[1]);
    case ObjectKind::kBarrier:
      return IsCount(facts.parameter[0]);
    case ObjectKind::kMap:
      return MapPlaces::Possible(facts.parameter[0], facts.parameter[1]) &&
             MapPlaces::Of(facts.parameter[0], facts.parameter[1]).total == facts.data_bytes;
    default:
      return true;
  }
}

}  // namespace

std::string Block::meta() const {
  return std::string(base_ + offset_ + facts_.bytes - facts_.meta_bytes, facts_.meta_bytes);
}

uint64_t Block::BodyEndFor(ObjectKind kind, uint32_t participants) {
  uint64_t bytes = BodyOffsetFor(participants);
  if (HasSyncBody(kind)) bytes += sizeof(SyncBody) + (participants + 63) / 64 * 8;
  if (HasSlots(kind)) bytes += participants * sizeof(uint32_t);
  return bytes;
}

uint64_t Block::BytesFor(ObjectKind kind, uint64_t data_bytes, uint64_t meta_bytes, uint32_t participants) {
  uint64_t bytes = BodyEndFor(kind, participants);
  if (data_bytes > 0) bytes = RoundUp(bytes, 64) + data_bytes;
  return RoundUp(bytes + meta_bytes, 64);
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

void Arena::BecomeCreator() {
  control_->creator = registry_->self();
  creator_ = true;
  used_ = control_->used.Load(std::memory_order_relaxed);  // relaxed: nobody else can see the segment
}

void Arena::Poison() {
  if (poisoned_->Exchange(1) == 0) registry_->RingEverybody();
}

uint64_t Arena::BytesAt(uint64_t offset, uint64_t used) const {
  if (used > body_bytes_ || offset + sizeof(BlockHeader) > used) return 0;
  // Seal and size are constant once carved.
  const BlockHeader& header = HeaderAt(offset);
  const uint64_t bytes = Once(header.units) * kBlockUnit;
  if (Once(header.seal) != SealOf(offset) || bytes > used - offset) return 0;
  return bytes >= Block::BodyOffsetFor(registry_->count()) ? bytes : 0;
}

bool Arena::Read(uint64_t offset, uint64_t bytes, BlockFacts* facts) const {
  const BlockHeader& header = HeaderAt(offset);
  *facts = {bytes,
            static_cast<ObjectKind>(Once(header.kind)),
            Once(header.meta_bytes),
            Once(header.data_bytes),
            {Once(header.parameter[0]), Once(header.parameter[1])}};
  return IsPossible(*facts, registry_->count());
}

bool Arena::Used(const Block& block) const {
  for (uint32_t w = 0; w < registry_->words(); w++) {
    if (block.users(w).Load(std::memory_order_seq_cst) != 0) return true;  // ORDER(block-life)
  }
  return false;
}

bool Arena::TryReclaim(const Block& block) {
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
  free_[block.facts().bytes].push_back(block.offset());
  return true;
}

Block Arena::Allocate(const BlockRequest& request) {
  const uint64_t bytes = Block::BytesFor(request, registry_->count());
  if (bytes > UINT32_MAX * kBlockUnit) return Block();
  auto reusable = free_.find(bytes);
  if ((reusable == free_.end() || reusable->second.empty()) && !closed_.empty()) {
    std::erase_if(closed_, [&](const Block& block) { return TryReclaim(block); });
    reusable = free_.find(bytes);
  }
  const bool reuse = reusable != free_.end() && !reusable->second.empty();
  if (!reuse && bytes > body_bytes_ - used_) return Block();
  const uint64_t offset = reuse ? reusable->second.back() : used_;
  const Block block = At(offset, {bytes,
                                  request.kind,
                                  static_cast<uint32_t>(request.meta.size()),
                                  request.data_bytes,
                                  {request.parameter[0], request.parameter[1]}});
  BlockHeader& header = block.header();
  uint32_t generation = 1;
  if (reuse) {
    reusable->second.pop_back();
    generation = GenerationOf(header.life.Load(std::memory_order_relaxed));  // relaxed: we wrote it
    // The users bitmap stays: it is empty, but for the bit of somebody who is just finding out that the old object is
    // gone.
    memset(body_ + offset + block.BodyOffset(), 0, bytes - block.BodyOffset());
  } else {
    header.units = static_cast<uint32_t>(bytes / kBlockUnit);
    header.seal = SealOf(offset);
  }
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
  header.life.Store(Life(generation, kBlockAlive), std::memory_order_seq_cst);
  if (!reuse) {
    used_ += bytes;
    // ORDER(arena-used): the block is complete before the walk can reach it.
    control_->used.Store(used_, std::memory_order_release);
  }
  return block;
}

bool Arena::Attach(uint64_t offset, uint32_t generation, Block* out) {
  const uint64_t used = control_->used.Load(std::memory_order_acquire);  // ORDER(arena-used)
  if (used > body_bytes_) Poison();
  if (offset < sizeof(ArenaControl) || offset % 64 != 0 || offset >= used) return false;
  // An offset that is no block's start would make us write into user memory.
  const uint64_t bytes = BytesAt(offset, used);
  if (bytes == 0) return false;
  BlockFacts facts;
  facts.bytes = bytes;
  const uint32_t self = registry_->self();
  const uint64_t bit = uint64_t{1} << (self % 64);
  const Block block = At(offset, facts);
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
  const bool possible = !alive || Read(offset, bytes, &facts);
  if (!alive || !possible) {
    if (!had) block.users(self / 64).FetchAnd(~bit);
    if (!possible) Poison();
    return false;
  }
  *out = At(offset, facts);
  return true;
}

bool Arena::AttachFirst(Block* out) {
  const uint64_t life = HeaderAt(sizeof(ArenaControl)).life.Load(std::memory_order_acquire);
  return Attach(sizeof(ArenaControl), GenerationOf(life), out);
}

void Arena::Detach(Block block) {
  if (block.kind() == ObjectKind::kLock && Lock(block).Mine() && !Lock(block).Held()) return;
  RepairBlock(block, registry_->self());
  if (creator_ && !TryReclaim(block)) closed_.push_back(block);
}

template <typename Visit>
void Arena::ForEachBlock(Visit visit) {
  const uint64_t used = control_->used.Load(std::memory_order_acquire);  // ORDER(arena-used)
  uint64_t offset = sizeof(ArenaControl);
  while (offset < used) {
    const uint64_t bytes = BytesAt(offset, used);
    if (bytes == 0) return Poison();
    visit(offset, bytes);
    offset += bytes;
  }
}

uint64_t Arena::CountAlive() {
  uint64_t alive = 0;
  ForEachBlock([&](uint64_t offset, uint64_t) {
    alive += StateOf(HeaderAt(offset).life.Load(std::memory_order_acquire)) == kBlockAlive ? 1 : 0;
  });
  return alive;
}

void Arena::RepairBlock(const Block& block, uint32_t participant) {
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
  // Only now does the header stay as it is. What is impossible there owns nothing.
  BlockFacts facts = block.facts();
  if (facts.kind == ObjectKind::kNone && !Read(block.offset(), facts.bytes, &facts)) facts.kind = ObjectKind::kNone;
  if (StateOf(life) != kBlockFree && HasSyncBody(facts.kind)) {
    block.waiters().Disarm(participant);
    switch (facts.kind) {
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
      case ObjectKind::kMap:
        HashMap(At(block.offset(), facts), poisoned_).Repair(participant);
        break;
      default:
        break;
    }
  }
  // Last, so that a reaper that dies before it leaves the user, and with it the block, in place.
  block.users(participant / 64).FetchAnd(~bit);
}

void Arena::Repair(uint32_t participant) {
  ForEachBlock([&](uint64_t offset, uint64_t bytes) {
    BlockFacts facts;
    facts.bytes = bytes;
    RepairBlock(At(offset, facts), participant);
  });
}

}  // namespace multiproc
