// The participants of a segment and a wait queue of theirs, while somebody lies about states, pids, bells and bitmaps.
#include <memory>

#include "core/blocking.h"
#include "core/wait_queue.h"
#include "fuzz.h"

namespace multiproc::fuzz {
namespace {

constexpr size_t kMostOperations = 80;

// A body that is one wait queue.
struct Waiters {
  Shared<uint32_t> summary;
  uint32_t unused;
  Shared<uint64_t> bits[16];
};

// Nothing to repair but the bitmap, and a check of what is asked for.
class Body : public Repairer {
 public:
  Body(const UnnamedSegment& segment, Registry* registry) : segment_(segment), registry_(registry) {}

  WaitQueue queue() const {
    auto* waiters = reinterpret_cast<Waiters*>(segment_.body());
    return WaitQueue(&waiters->summary, waiters->bits, registry_->words());
  }
  void Repair(uint32_t participant) override {
    Operation::Require(participant < segment_.participants(), "only participants are repaired");
    queue().Disarm(participant);
  }

 private:
  const UnnamedSegment& segment_;
  Registry* registry_;
};

struct Participant {
  explicit Participant(const UnnamedSegment& segment) : fd(segment.Reopen()), body(segment, &registry) {
    registry.Attach(fd.get(), segment.slots(), segment.participants());
  }
  Participant(const Participant&) = delete;
  Participant& operator=(const Participant&) = delete;
  ~Participant() {
    if (fd.valid()) registry.Leave(body);
  }

  Descriptor fd;
  Registry registry;
  Body body;
};

struct Place {
  explicit Place(uint32_t participants)
      : segment(Fenced([&] { return std::make_unique<UnnamedSegment>(participants, 4096, 0); },
                       [](const UnnamedSegment& s) { return ExtentOf(s, 0); })) {
    const UnnamedSegment& s = *segment;
    const uint64_t words = (participants + 63) / 64;
    Forbid(BaseOf(s), s.slots());
    Forbid(s.slots() + participants, s.body());
    Forbid(s.body() + 8 + words * 8, s.body() + 4096);
    char* const slots = SlotsOf(s);
    regions = {{slots, std::min<uint64_t>(kMembers, participants) * sizeof(RegistrySlot)},
               {slots, participants * sizeof(RegistrySlot)},
               {s.body(), 8},
               {s.body(), 8 + words * 8}};
  }
  void Clear() const {
    memset(SlotsOf(*segment), 0, segment->participants() * sizeof(RegistrySlot));
    memset(segment->body(), 0, 8 + (segment->participants() + 63) / 64 * 8);
  }

  std::unique_ptr<UnnamedSegment> segment;
  std::vector<Region> regions;
};

class World {
 public:
  World(const Place& place, Input& in) : segment_(*place.segment), regions_(place.regions), in_(in) {
    Operation::Begin("format", UINT32_MAX, {});
    place.Clear();
  }
  ~World() { Begin("leave", {}); }

  void Step() {
    const size_t number = in_.Byte() % kMembers;
    std::unique_ptr<Participant>& who = participants_[number];
    if (who == nullptr) who = std::make_unique<Participant>(segment_);
    Registry& registry = who->registry;
    if (!registry.joined()) return Join(number);
    const uint32_t self = registry.self();
    const uint8_t what = in_.Byte();
    const auto any = static_cast<uint32_t>(in_.Odd());
    Begin("registry", Lies());
    switch (what % 12) {
      case 0:
        registry.Leave(who->body);
        Operation::Require(!registry.joined(), "who left is no participant");
        return;
      case 1:
        return Reap(number, any);
      case 2:
        Operation::Require(registry.ReapAll(who->body) <= segment_.participants(), "no more dead than participants");
        CheckDead(*who);
        return CheckLiving();
      case 3:
        registry.RingEverybody();
        return;
      case 4:
        registry.Ring(any);
        return;
      case 5:
        return CheckLiving();
      case 6:
        who->body.queue().Arm(self);
        return;
      case 7:
        who->body.queue().RingOne(registry);
        return;
      case 8:
        who->body.queue().RingAll(registry);
        return;
      case 9: {
        SpinBudget spin(false);
        const auto attempt = [&] { return kAgain; };
        Operation::OneOf(BlockUntil(registry, who->body.queue(), spin, 20'000, attempt), {kAgain});
        return;
      }
      case 10:
        Kill(*who);
        who.reset();
        return;
      default:
        who->body.queue().HasOthers(self);
        Operation::Require(who->body.queue().Count() <= 64 * registry.words(), "as many as there are bits");
        who->body.queue().Disarm(self);
    }
  }

 private:
  std::vector<Lie> Lies() { return LiesOf(in_, regions_); }
  void Begin(const char* name, std::vector<Lie> lies) const {
    Operation::Begin(name, 1000 + 100 * segment_.participants(), std::move(lies));
  }

  // Whatever the slots say, two participants never get the same one.
  void Join(size_t number) {
    Registry& registry = participants_[number]->registry;
    Begin("join", Lies());
    if (!registry.Join(participants_[number]->body)) return;
    Operation::Require(registry.self() < segment_.participants(), "there is such a participant");
    for (size_t i = 0; i < kMembers; i++) {
      if (i == number || participants_[i] == nullptr || !participants_[i]->registry.joined()) continue;
      Operation::Require(participants_[i]->registry.self() != registry.self(), "a slot has one owner");
    }
  }

  // Nor is a living participant ever taken for dead.
  void Reap(size_t number, uint32_t any) {
    const size_t victim = any % kMembers;
    const Participant* of = participants_[victim].get();
    const bool living = of != nullptr && of->registry.joined();
    const uint32_t index = living ? of->registry.self() : any;
    const bool dead = participants_[number]->registry.Reap(index, participants_[number]->body);
    Operation::Require(!living || !dead, "who lives is not reaped");
  }

  // Whatever a slot said before, after a look at all of them in peace none is lost.
  void CheckDead(Participant& who) const {
    Begin("reap in peace", {});
    who.registry.ReapAll(who.body);
    for (uint32_t i = 0; i < segment_.participants(); i++) {
      const bool free = segment_.slots()[i].state.Load(std::memory_order_relaxed) == kSlotFree;
      Operation::Require(free || who.registry.Alive(i), "a slot without an owner is free");
    }
  }

  void CheckLiving() const {
    for (const auto& of : participants_) {
      if (of == nullptr || !of->registry.joined()) continue;
      for (const auto& by : participants_) {
        if (by != nullptr) Operation::Require(by->registry.Alive(of->registry.self()), "who lives is alive");
      }
    }
  }

  const UnnamedSegment& segment_;
  const std::vector<Region>& regions_;
  Input& in_;
  std::unique_ptr<Participant> participants_[kMembers];
};

}  // namespace
}  // namespace multiproc::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  using namespace multiproc::fuzz;
  static const Place places[] = {Place(1), Place(70), Place(1023)};
  return RunProgram<World>(bytes, size, places, kMostOperations);
}
