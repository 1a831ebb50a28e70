// A queue's ring in use, while somebody lies about every word of it.
#include <memory>

#include "ring_place.h"

namespace multiproc::fuzz {
namespace {

constexpr size_t kMostOperations = 60;
constexpr size_t kMostClaims = 8;

class World {
 public:
  World(const RingPlace& place, Input& in) : place_(place), segment_(*place.segment), in_(in) {
    Operation::Begin("format", UINT32_MAX, {});
    place.Clear();
    for (Participant& each : participants_) Enter(each);
  }
  ~World() { Begin("leave", {}); }

  void Step() {
    Participant& who = participants_[in_.Byte() % kMembers];
    const uint8_t what = in_.Byte();
    if (who.member == nullptr || !who.member->registry.joined()) {
      Begin("join", Lies());
      Enter(who);
      return;
    }
    Ring& ring = who.member->body;
    Act(who, ring, what);
    const bool poisoned = segment_.poisoned()->Load(std::memory_order_relaxed) != 0;
    Operation::Require(!seen_poison_ || poisoned, "poison stays");
    seen_poison_ |= poisoned;
    if (!seen_poison_ || who.member == nullptr || !who.member->registry.joined()) return;
    Claim claim;
    Begin("use of what is poisoned", {});
    Operation::OneOf(ring.TryReserve(1, &claim), {kPoisoned});
    Operation::OneOf(ring.TryClaim(UINT64_MAX, &claim), {kPoisoned});
  }

 private:
  struct Participant {
    std::unique_ptr<RingMember> member;
    std::vector<Claim> writing, reading;
  };

  std::vector<Lie> Lies() { return LiesOf(in_, place_.regions); }
  // Most accesses: some walks over all lines, and a ring for each participant.
  void Begin(const char* name, std::vector<Lie> lies) const {
    const uint64_t most = 2000 * (segment_.shape.lines + segment_.shape.participants);
    Operation::Begin(name, most, std::move(lies));
  }
  void Enter(Participant& who) {
    if (who.member == nullptr) who.member = std::make_unique<RingMember>(segment_);
    if (!who.member->registry.Join(who.member->body)) return;
    Operation::Require(who.member->self() < segment_.shape.participants, "there is such a participant");
  }

  // The bytes of a claim lie in the double mapping.
  void Use(const Claim& claim, uint64_t length) const {
    const char* const data = segment_.body() + RingPlaces::Of(segment_.shape.lines, segment_.shape.counted).data;
    const uint64_t once = segment_.shape.lines * kLineBytes;
    Operation::Require(claim.bytes >= data && claim.bytes < data + once, "it begins in the ring");
    Operation::Require(length <= once, "it is no longer than the ring, so it ends in the second mapping");
  }

  uint64_t Position(const std::vector<Claim>& claims) {
    const uint8_t which = in_.Byte();
    if (which < 200 && !claims.empty()) return claims[which % claims.size()].position;
    if (which < 240) return segment_.shape.start + which;
    return in_.Odd();
  }

  void Act(Participant& who, Ring& ring, uint8_t what) {
    if (what >= 240) return UseEnds(ring, what);
    if (what >= 224) return place_.Forge(in_);
    switch (what % 24) {
      case 0:
      case 1:
        return Reserve(who, ring, 0);
      case 2:
        return Reserve(who, ring, 20'000);
      case 3:
      case 4:
        return Commit(who, ring);
      case 5: {
        const uint64_t position = Position(who.writing), length = in_.Number(2);
        Begin("commit by position", Lies());
        Operation::OneOf(ring.Commit(position, length, in_.Byte() & 3), {kOk, kNotOwner, kTooLarge});
        return;
      }
      case 6: {
        const uint64_t position = Position(who.writing);
        Begin("abort", Lies());
        Operation::OneOf(ring.Abort(position), {kOk, kNotOwner});
        return;
      }
      case 7:
      case 8:
        return Receive(who, ring, 0);
      case 9:
        return Receive(who, ring, 20'000);
      case 10: {
        if (who.reading.empty()) return;
        const Claim claim = who.reading.back();
        who.reading.pop_back();
        Begin("release", Lies());
        ring.Release(claim);
        return;
      }
      case 11: {
        const uint64_t position = Position(who.reading);
        Begin("release by position", Lies());
        Operation::OneOf(ring.Release(position), {kOk, kNotOwner});
        return;
      }
      case 12: {
        const uint64_t position = Position(who.reading);
        Begin("requeue", Lies());
        Operation::OneOf(ring.Requeue(position), {kOk, kNotOwner});
        return;
      }
      case 13: {
        const uint64_t position = Position(who.reading);
        Begin("release done", Lies());
        Operation::OneOf(ring.ReleaseDone(position), {kOk, kNotOwner, kOverRelease});
        ring.CountAttempt(position);
        ring.Consumed(position);
        return;
      }
      case 14:
        Begin("task done", Lies());
        Operation::OneOf(ring.TaskDone(), {kOk, kOverRelease});
        return;
      case 15: {
        const bool immediate = in_.Byte() % 2 != 0;
        Begin("shut down", Lies());
        ring.ShutDown(immediate);
        return;
      }
      case 16: {
        std::vector<uint64_t> spilled;
        Begin("drain", Lies());
        ring.Drain(&spilled);
        Operation::Require(spilled.size() <= 4 * segment_.shape.lines, "no more messages than lines");
        return;
      }
      case 17:
        return Look(ring);
      case 18: {
        Begin("reap", Lies());
        who.member->ReapAll();
        return;
      }
      case 19: {
        const uint32_t participant = static_cast<uint32_t>(in_.Below(segment_.shape.participants));
        Begin("repair", Lies());
        ring.Repair(participant);
        return;
      }
      case 20: {
        Begin("leave", Lies());
        who.member->Leave();
        who.writing.clear();
        who.reading.clear();
        return;
      }
      case 21:
        return Die(who);
      case 22: {
        const int which = in_.Byte() % kWaitQueues;
        Begin("wait queue", Lies());
        ring.Waiters(which).Arm(who.member->self());
        ring.PassOn(which);
        ring.Waiters(which).RingAll(ring.registry());
        ring.Waiters(which).Disarm(who.member->self());
        return;
      }
      default: {
        // Lies between two operations.
        for (const Lie& lie : Lies()) lie.Tell();
        return;
      }
    }
  }

  void Reserve(Participant& who, Ring& ring, int64_t wait) {
    const uint64_t length = in_.Byte() % 4 == 0 ? in_.Odd() : in_.Below(400);
    Claim claim;
    SpinBudget spin(false);
    Begin("reserve", Lies());
    const auto attempt = [&] { return ring.TryReserve(length, &claim); };
    const Status status = wait == 0 ? attempt() : ring.Block(Ring::kSpace, spin, wait, attempt);
    Operation::OneOf(status, {kOk, kAgain, kShutDown, kTooLarge, kPoisoned});
    if (status != kOk) return;
    Operation::Require(claim.length == length, "there is as much room as asked for");
    Use(claim, length);
    memset(claim.bytes, 'x', length);
    if (who.writing.size() < kMostClaims) who.writing.push_back(claim);
  }

  void Commit(Participant& who, Ring& ring) {
    if (who.writing.empty()) return;
    const Claim claim = who.writing.back();
    who.writing.pop_back();
    const uint64_t length = in_.Byte() % 2 == 0 ? claim.length : in_.Below(500);
    const uint32_t flags = in_.Byte() % 4;
    Begin("commit", Lies());
    const int64_t status = Operation::OneOf(ring.Commit(claim, length, flags), {kOk, kTooLarge});
    const bool fits = length <= RoundUp(std::max<uint64_t>(claim.length, 1), kLineBytes);
    Operation::Require(fits == (status == kOk), "what is longer than its room is refused, and nothing else");
  }

  void Receive(Participant& who, Ring& ring, int64_t wait) {
    const uint64_t room = in_.Byte() % 2 == 0 ? UINT64_MAX : in_.Below(300);
    Claim claim;
    SpinBudget spin(false);
    Begin("receive", Lies());
    const auto attempt = [&] { return ring.TryClaim(room, &claim); };
    const Status status = wait == 0 ? attempt() : ring.Block(Ring::kData, spin, wait, attempt);
    Operation::OneOf(status, {kOk, kAgain, kShutDown, kNoRoom, kPoisoned});
    if (status == kNoRoom) Operation::Require(claim.length > room, "what does not fit is longer");
    if (status != kOk) return;
    Use(claim, claim.length);
    Operation::Require(claim.length <= room || (claim.flags & kSpilledFlag) != 0, "it fits the room");
    const auto copy = std::make_unique<char[]>(claim.length);
    Ring::CopyOut(claim, copy.get());
    if (who.reading.size() < kMostClaims) who.reading.push_back(claim);
  }

  // The ends of a pipe, and looking without taking.
  void UseEnds(Ring& ring, uint8_t what) {
    const Ring::End end = what % 2 == 0 ? Ring::kReceiving : Ring::kSending;
    Begin("end", Lies());
    switch (what % 8) {
      case 0:
      case 1:
        return ring.OpenEnd(end);
      case 2:
      case 3:
        return ring.CloseEnd(end);
      default:
        Operation::OneOf(ring.Poll(), {kOk, kAgain, kShutDown, kPoisoned});
    }
  }

  void Look(Ring& ring) {
    const uint64_t lines = segment_.shape.lines;
    Begin("look", Lies());
    Operation::Require(ring.Size() <= lines, "no more messages than lines");
    ring.Empty();
    ring.Full();
    Operation::Require(ring.UsedLines() <= lines, "no more lines than there are");
    Operation::Require(ring.Unfinished() <= UINT32_MAX, "a count of 32 bits");
    for (const uint32_t each : ring.Busy()) {
      Operation::Require(each < segment_.shape.participants, "whoever is busy is a participant");
    }
    uint64_t sum = 0;
    ring.ForEachHeld([&](uint32_t, const char* bytes) {
      SpillDescriptor descriptor;
      memcpy(&descriptor, bytes, sizeof descriptor);
      sum += descriptor.id;
    });
    for (int q = 0; q < kWaitQueues; q++) ring.Waiters(q).Count();
    for (int q = 0; q < kWaitQueues; q++) ring.WorthRinging(q);
  }

  static void Die(Participant& who) {
    Kill(*who.member);
    who.member.reset();
    who.writing.clear();
    who.reading.clear();
  }

  const RingPlace& place_;
  const RingSegment& segment_;
  Input& in_;
  Participant participants_[kMembers];
  bool seen_poison_ = false;
};

}  // namespace
}  // namespace multiproc::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  using namespace multiproc;
  using namespace multiproc::fuzz;
  static const RingPlace places[] = {
      RingPlace({.lines = 64, .counted = true, .start = 640, .participants = 70}),
      RingPlace({.lines = 64, .maxsize = 5, .start = (uint64_t{1} << kPositionBits) - 64, .participants = 3}),
      RingPlace({.lines = 1024, .counted = false, .start = 1024, .participants = 256}),
  };
  return RunProgram<World>(bytes, size, places, kMostOperations);
}
