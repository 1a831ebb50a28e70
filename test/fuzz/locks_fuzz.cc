// The objects of an arena in use, while somebody lies about every word of it: headers of blocks, locks, waiters.
#include <memory>

#include "fuzz.h"
#include "object_use.h"

namespace multiproc::fuzz {
namespace {

constexpr size_t kMostOperations = 60;
constexpr size_t kMostBlocks = 12;

struct Place {
  Place(uint32_t participants, uint64_t bytes)
      : segment(Fenced([&] { return std::make_unique<ArenaSegment>(participants, bytes); },
                       [](const ArenaSegment& s) { return ExtentOf(s, 0); })) {
    const ArenaSegment& s = *segment;
    ForbidHeader(s);
    regions = {{s.body(), sizeof(ArenaControl)},
               {s.body() + sizeof(ArenaControl), sizeof(BlockHeader)},
               {s.body() + sizeof(ArenaControl), 512},
               {s.body(), bytes},
               {SlotsOf(s), kMembers * sizeof(RegistrySlot)}};
  }

  void Clear() const {
    ClearSlots(*segment);
    memset(segment->body(), 0, segment->body_bytes());
    Arena::Format(segment->body());
  }

  std::unique_ptr<ArenaSegment> segment;
  std::vector<Region> regions;
};

class World {
 public:
  World(const Place& place, Input& in) : segment_(*place.segment), regions_(place.regions), in_(in) {
    Operation::Begin("format", UINT32_MAX, {});
    place.Clear();
    for (Participant& each : participants_) Enter(each);
    participants_[0].member->body.BecomeCreator();
  }
  ~World() { Begin("leave", {}); }

  void Step() {
    const size_t number = in_.Byte() % kMembers;
    Participant& who = participants_[number];
    if (who.member == nullptr || !who.member->registry.joined()) {
      Begin("join", Lies());
      Enter(who);
      return;
    }
    switch (in_.Byte() % 16) {
      case 0:
      case 1:
        return Allocate();
      case 2:
      case 3:
        return Attach(who);
      case 4:
        return Detach(who);
      case 5:
        Begin("reap", Lies());
        who.member->ReapAll();
        return;
      case 6: {
        const uint32_t participant = static_cast<uint32_t>(in_.Below(segment_.participants()));
        Begin("repair", Lies());
        who.member->body.Repair(participant);
        return;
      }
      case 7:
        Begin("count", Lies());
        Operation::Require(who.member->body.CountAlive() <= segment_.body_bytes() / kBlockUnit, "as many as fit");
        return;
      case 8:
        Begin("leave", Lies());
        who.member->Leave();
        who.blocks.clear();
        return;
      case 9:
        return Die(who);
      case 10: {
        if (in_.Byte() % 2 == 0) return Forge(who);
        for (const Lie& lie : Lies()) lie.Tell();
        return;
      }
      default:
        return Use(who);
    }
  }

 private:
  struct Participant {
    std::unique_ptr<ArenaMember> member;
    std::vector<Held> blocks;
  };

  std::vector<Lie> Lies() { return LiesOf(in_, regions_); }
  void Begin(const char* name, std::vector<Lie> lies) const {
    const uint64_t blocks = segment_.body_bytes() / kBlockUnit;
    Operation::Begin(name, 1000 * (segment_.participants() + blocks), std::move(lies));
  }
  void Enter(Participant& who) {
    if (who.member == nullptr) who.member = std::make_unique<ArenaMember>(segment_);
    if (!who.member->registry.Join(who.member->body)) return;
    Operation::Require(who.member->self() < segment_.participants(), "there is such a participant");
  }

  // What native code remembers of an object, and the memory that it hands to JavaScript.
  void Keep(Participant& who, const Block& block) {
    const BlockFacts& facts = block.facts();
    const char* const end = segment_.body() + segment_.body_bytes();
    if (facts.data_bytes > 0) {
      Operation::Require(block.data() > segment_.body() && block.data() <= end, "its memory begins in the body");
      Operation::Require(facts.data_bytes <= static_cast<uint64_t>(end - block.data()), "its memory ends in the body");
      // A map's is never handed out.
      if (facts.kind != ObjectKind::kMap) memset(block.data(), 'x', facts.data_bytes);
    }
    Operation::Require(block.meta().size() <= kMetaMax, "its text is not too long");
    if (who.blocks.size() == kMostBlocks) return;
    who.blocks.push_back({block, facts.kind, {facts.parameter[0], facts.parameter[1]}});
  }

  // A lie in one field that decides about memory or about who is woken.
  void Forge(Participant& who) {
    const uint8_t which = in_.Byte();
    const uint64_t value = in_.Odd();
    const auto small = static_cast<uint32_t>(value);
    if (who.blocks.empty() || which % 8 == 0) {
      reinterpret_cast<ArenaControl*>(segment_.body())->used.Store(value, std::memory_order_relaxed);
      return;
    }
    const Block& block = who.blocks[which % who.blocks.size()].block;
    auto& header = *reinterpret_cast<BlockHeader*>(segment_.body() + block.offset());
    switch (which % 8) {
      case 1:
        header.units = small;
        return;
      case 2:
        header.kind = small;
        return;
      case 3:
        header.data_bytes = value;
        return;
      case 4:
        header.meta_bytes = small;
        return;
      case 5:
        header.parameter[which % 2] = static_cast<double>(value);
        return;
      case 6:
        if (block.kind() <= ObjectKind::kBarrier) block.sync().word.Store(small, std::memory_order_relaxed);
        return;
      default:
        if (block.kind() <= ObjectKind::kBarrier) block.sync().waiter_summary.Store(small, std::memory_order_relaxed);
    }
  }

  void Allocate() {
    Participant& who = participants_[0];
    if (who.member == nullptr || !who.member->registry.joined()) return;
    BlockRequest request;
    request.kind = static_cast<ObjectKind>(1 + in_.Byte() % 11);
    if (request.kind == ObjectKind::kQueue) request.kind = ObjectKind::kMap;
    if (request.kind == ObjectKind::kMap) {
      request.parameter[0] = 1 + in_.Byte() % 4;
      request.parameter[1] = request.parameter[0] + in_.Byte() % 16;
      request.data_bytes = MapPlaces::Of(request.parameter[0], request.parameter[1]).total;
    } else if (request.kind >= ObjectKind::kValue) {
      request.data_bytes = in_.Below(600) + 1;
    }
    if (request.kind == ObjectKind::kBarrier) request.parameter[0] = 1 + in_.Byte() % 3;
    if (request.kind == ObjectKind::kSemaphore || request.kind == ObjectKind::kBoundedSemaphore) {
      request.parameter[0] = in_.Byte() % 4;
      request.parameter[1] = in_.Byte() % 2 == 0 ? 3 : INT32_MAX;
    }
    request.meta = std::string(in_.Byte() % 40, 'm');
    Begin("allocate", Lies());
    const Block block = who.member->body.Allocate(request);
    if (block.offset() == 0) return;
    if (request.kind == ObjectKind::kMap) HashMap::Format(block);
    if (request.kind == ObjectKind::kSemaphore || request.kind == ObjectKind::kBoundedSemaphore)
      Semaphore(block).Format(static_cast<uint32_t>(request.parameter[0]));
    Keep(who, block);
  }

  void Attach(Participant& who) {
    Block block;
    const uint8_t how = in_.Byte();
    const std::vector<Held>& known = participants_[in_.Byte() % kMembers].blocks;
    const uint64_t odd = how < 32 ? in_.Odd() : 0;
    Begin("attach", Lies());
    Arena& arena = who.member->body;
    bool found = false;
    if (how < 32) {
      found = arena.Attach(how < 16 ? odd : odd * kBlockUnit, 1, &block);
    } else if (known.empty()) {
      found = arena.AttachFirst(&block);
    } else {
      const Block& other = known[how % known.size()].block;
      found = arena.Attach(other.offset(), other.generation(), &block);
    }
    if (found) Keep(who, block);
  }

  void Detach(Participant& who) {
    if (who.blocks.empty()) return;
    const size_t which = in_.Byte() % who.blocks.size();
    const Block block = who.blocks[which].block;
    // A participant has one registration for all its views of an object.
    std::erase_if(who.blocks, [&](const Held& each) { return each.block.offset() == block.offset(); });
    Begin("detach", Lies());
    who.member->body.Detach(block);
  }

  void Use(Participant& who) {
    if (who.blocks.empty()) return;
    const Held& held = who.blocks[in_.Byte() % who.blocks.size()];
    const uint8_t what = in_.Byte();
    Begin("use", Lies());
    ObjectUse(who.member->registry, segment_.poisoned(), held, in_).Use(what);
  }

  static void Die(Participant& who) {
    Kill(*who.member);
    who.member.reset();
    who.blocks.clear();
  }

  const ArenaSegment& segment_;
  const std::vector<Region>& regions_;
  Input& in_;
  Participant participants_[kMembers];
};

}  // namespace
}  // namespace multiproc::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  using namespace multiproc::fuzz;
  static const Place places[] = {Place(8, 4096), Place(256, 8192), Place(1023, 12288)};
  return RunProgram<World>(bytes, size, places, kMostOperations);
}
