// Slots whose state says what nobody writes: neither lost for good nor taken from the living.

#include "ring_messages.h"

namespace multiproc {
namespace {

constexpr uint32_t kImpossible[] = {2, 7, UINT32_MAX};

// As the kernel does it: the descriptor goes with its locks, and nothing else happens.
void Kill(RingMember& member) {
  member.fd.Reset();
  member.registry = Registry();
}

// A ring whose only message is claimed by somebody who died, in a slot of that state.
struct Scene {
  explicit Scene(uint32_t participants) : segment({.start = 64, .participants = participants}) {}

  uint32_t DieReading(uint32_t state) {
    RingMember victim(segment);
    victim.Join();
    CHECK_EQ(Put(victim.body, "message"), kOk);
    Claim claim;
    CHECK_EQ(victim->TryClaim(UINT64_MAX, &claim), kOk);
    const uint32_t index = victim.self();
    Kill(victim);
    SetState(index, state);
    return index;
  }
  void SetState(uint32_t index, uint32_t state) {
    segment.slots()[index].state.Store(state, std::memory_order_seq_cst);
  }
  uint32_t StateOf(uint32_t index) { return segment.slots()[index].state.Load(std::memory_order_seq_cst); }

  RingSegment segment;
};

TEST(the_dead_are_repaired_whatever_their_slot_says_but_free) {
  for (const uint32_t state : kImpossible) {
    Scene scene(4);
    RingMember me(scene.segment);
    me.Join();
    const uint32_t index = scene.DieReading(state);
    CHECK_EQ(Get(me.body), kAgain);
    CHECK(me.registry.Reap(index, me.body));
    CHECK_EQ(scene.StateOf(index), kSlotFree);
    std::string message;
    CHECK_EQ(Get(me.body, &message), kOk);
    CHECK(message == "message");
    CHECK(!me.registry.Reap(index, me.body));
  }
}

TEST(a_slot_of_an_impossible_state_is_repaired_by_who_takes_it) {
  for (const uint32_t state : kImpossible) {
    // Somebody must be left to look: with one slot only, it is the next to join.
    Scene scene(1);
    CHECK_EQ(scene.DieReading(state), 0);
    RingMember next(scene.segment);
    next.Join();
    CHECK_EQ(next.self(), 0);
    CHECK_EQ(scene.StateOf(0), kSlotLive);
    std::string message;
    CHECK_EQ(Get(next.body, &message), kOk);
    CHECK(message == "message");
  }
}

TEST(the_living_keep_their_slot_whatever_it_says) {
  for (const uint32_t state : {uint32_t{kSlotFree}, uint32_t{2}, UINT32_MAX}) {
    Scene scene(2);
    RingMember me(scene.segment), other(scene.segment), third(scene.segment);
    me.Join();
    other.Join();
    CHECK_EQ(Put(other.body, "message"), kOk);
    Claim claim;
    CHECK_EQ(other->TryClaim(UINT64_MAX, &claim), kOk);
    scene.SetState(other.self(), state);
    CHECK_EQ(me.ReapAll(), 0);
    CHECK(me.registry.Alive(other.self()));
    CHECK(!third.registry.Join(third.body));
    CHECK_EQ(Get(me.body), kAgain);
    CHECK_EQ(other->Release(claim.position), kOk);
    other.Leave();
    CHECK_EQ(scene.StateOf(1), kSlotFree);
    third.Join();
    CHECK_EQ(third.self(), 1);
  }
}

TEST(who_is_in_a_slot_of_an_impossible_state_is_rung) {
  Scene scene(4);
  RingMember me(scene.segment), other(scene.segment);
  me.Join();
  other.Join();
  const auto bell = [&] { return scene.segment.slots()[other.self()].doorbell.Load(std::memory_order_seq_cst); };
  const uint32_t before = bell();
  scene.SetState(other.self(), 7);
  me->ShutDown(false);
  CHECK_EQ(bell(), before + 1);
}

}  // namespace
}  // namespace multiproc
