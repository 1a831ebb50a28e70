// Ends that are counted and end nothing, and calls to one participant: what channels are made of.

#include <functional>
#include <list>
#include <optional>
#include <thread>

#include "child.h"
#include "pause.h"
#include "ring_messages.h"

namespace multiproc {
namespace {

constexpr Ring::End kEnds[] = {Ring::kReceiving, Ring::kSending};

TEST(silent_ends_are_counted_and_putting_and_getting_go_on_as_without) {
  RingSegment segment({});
  RingMember me(segment), other(segment);
  me.Join();
  other.Join();
  const auto goes_on = [&] {
    CHECK(!me->HasEnds());
    CHECK_EQ(Put(me.body, "x"), kOk);
    CHECK_EQ(Get(other.body), kOk);
    CHECK_EQ(Get(me.body), kAgain);
    CHECK_EQ(me->Poll(), kAgain);
    FillWithLines(me.body);
    CHECK_EQ(Put(me.body, "x"), kAgain);
    DrainAll(other.body);
  };
  for (const Ring::End end : kEnds) {
    CHECK(!me->HasUsers(end));
    me->OpenEnd(end, true);
    other->OpenEnd(end, true);
    CHECK(me->HasUsers(end) && me->Uses(end, me.self()) && me->Uses(end, other.self()));
    goes_on();
    me->CloseEnd(end);
    CHECK(me->HasUsers(end) && !me->Uses(end, me.self()) && me->Uses(end, other.self()));
    goes_on();
    other->CloseEnd(end);
    CHECK(!me->HasUsers(end) && !me->Uses(end, other.self()));
    goes_on();
  }
}

TEST(an_end_of_a_pipe_ends_it_whoever_else_has_opened_one_silently) {
  for (const bool silent_first : {true, false}) {
    RingSegment segment({});
    RingMember me(segment), other(segment);
    me.Join();
    other.Join();
    if (silent_first) other->OpenEnd(Ring::kSending, true);
    me->OpenEnd(Ring::kReceiving);
    CHECK(me->HasEnds());
    if (!silent_first) other->OpenEnd(Ring::kSending, true);
    CHECK(me->HasEnds());
    CHECK_EQ(Get(me.body), kAgain);
    other->CloseEnd(Ring::kSending);
    CHECK_EQ(Get(me.body), kShutDown);
  }
}

TEST(an_end_is_opened_once_however_often_and_closed_once) {
  RingSegment segment({});
  RingMember me(segment);
  me.Join();
  for (int i = 0; i < 3; i++) me->OpenEnd(Ring::kSending, true);
  me->CloseEnd(Ring::kSending);
  CHECK(!me->HasUsers(Ring::kSending));
  me->CloseEnd(Ring::kSending);
  CHECK(!me->HasUsers(Ring::kSending));
}

TEST(participants_beyond_a_word_have_ends_too_and_impossible_ones_none) {
  RingSegment segment({.participants = 130});
  std::list<RingMember> members;
  for (uint32_t i = 0; i < 130; i++) {
    members.emplace_back(segment).Join();
    CHECK_EQ(members.back().self(), i);
  }
  for (const uint32_t i : {63, 64, 127, 128, 129}) {
    RingMember& user = *std::next(members.begin(), i);
    user->OpenEnd(Ring::kReceiving, true);
    for (const RingMember& member : members) CHECK_EQ(user->Uses(Ring::kReceiving, member.self()), member.self() == i);
    for (const uint32_t nobody : {130u, 192u, 1u << 31, UINT32_MAX}) CHECK(!user->Uses(Ring::kReceiving, nobody));
    CHECK(user->HasUsers(Ring::kReceiving));
    user->CloseEnd(Ring::kReceiving);
    CHECK(!user->HasUsers(Ring::kReceiving));
  }
}

uint32_t Bell(RingSegment& segment, const RingMember& of) {
  return segment.slots()[of.self()].doorbell.Load(std::memory_order_relaxed);
}

TEST(everybody_is_rung_when_the_last_user_of_a_silent_end_goes_and_not_before) {
  for (const Ring::End end : kEnds) {
    RingSegment segment({});
    RingMember me(segment), first(segment), last(segment);
    for (RingMember* member : {&me, &first, &last}) member->Join();
    first->OpenEnd(end, true);
    last->OpenEnd(end, true);
    const uint32_t bell = Bell(segment, me);
    first->CloseEnd(end);
    CHECK_EQ(Bell(segment, me), bell);
    last.Leave();
    CHECK(Bell(segment, me) != bell);
  }
}

TEST(a_call_rings_the_one_who_is_called_once_and_only_if_it_waits) {
  RingSegment segment({});
  RingMember me(segment), called(segment), other(segment);
  for (RingMember* member : {&me, &called, &other}) member->Join();
  const auto calls = [&](RingMember& who) {
    const uint32_t before = Bell(segment, who);
    me->Call(who.self());
    return Bell(segment, who) != before;
  };
  CHECK(!calls(called));
  called->Waiters(Ring::kJoin).Arm(called.self());
  other->Waiters(Ring::kJoin).Arm(other.self());
  const uint32_t others = Bell(segment, other);
  CHECK(calls(called));
  CHECK(!calls(called));
  CHECK_EQ(Bell(segment, other), others);
  CHECK(calls(other));
  // Who waits for messages or for room has nothing to do with it.
  for (const auto queue : {Ring::kData, Ring::kSpace}) {
    called->Waiters(queue).Arm(called.self());
    CHECK(!calls(called));
    CHECK(called->Waiters(queue).Disarm(called.self()));
  }
  // Who calls itself finds its own bell changed.
  me->Waiters(Ring::kJoin).Arm(me.self());
  CHECK(calls(me));
}

TEST(calls_to_nobody_do_nothing) {
  RingSegment segment({.participants = 70});
  RingMember me(segment), gone(segment);
  me.Join();
  gone.Join();
  const uint32_t number = gone.self();
  gone->Waiters(Ring::kJoin).Arm(number);
  gone.Leave();
  const uint32_t bell = segment.slots()[number].doorbell.Load(std::memory_order_relaxed);
  for (const uint32_t nobody : {number, 69u, 70u, 127u, 128u, 1u << 31, UINT32_MAX}) me->Call(nobody);
  CHECK_EQ(segment.slots()[number].doorbell.Load(std::memory_order_relaxed), bell);
  CHECK_EQ(me->Waiters(Ring::kJoin).Count(), 0);
}

constexpr int64_t kLong = 60'000'000'000;

TEST(calls_back_and_forth_lose_no_wake) {
  RingSegment segment({});
  RingMember first(segment), second(segment);
  first.Join();
  second.Join();
  constexpr uint32_t kTurns = 3000;
  std::atomic<uint32_t> turn{0};
  const auto play = [&](RingMember& me, uint32_t parity, uint32_t partner) {
    SpinBudget spin(false);
    for (uint32_t mine = parity; mine < kTurns; mine += 2) {
      // Without slices: a wake that is lost hangs.
      const Status status = me->Block<kLong>(Ring::kJoin, spin, kLong, [&] { return turn == mine ? kOk : kAgain; });
      if (status != kOk) abort();
      turn = mine + 1;
      me->Call(partner);
    }
  };
  std::thread other([&] { play(second, 1, first.self()); });
  play(first, 0, second.self());
  other.join();
  CHECK_EQ(turn.load(), kTurns);
}

// What a user of silent ends does, beside us who have one of each too.
void UseEnds(RingMember& member, uint32_t us) {
  for (const Ring::End end : kEnds) member->OpenEnd(end, true);
  member->Waiters(Ring::kJoin).Arm(member.self());
  member->Call(us);
  CHECK_EQ(Put(member.body, "x"), kOk);
  CHECK_EQ(Get(member.body), kOk);
  member->Call(member.self());
  for (const Ring::End end : kEnds) member->CloseEnd(end);
}

void CheckTheRest(RingMember& me, bool killed) {
  CHECK_EQ(me.ReapAll(), killed ? 1 : 0);
  CHECK_EQ(me.ReapAll(), 0);
  for (const Ring::End end : kEnds) {
    CHECK(me->HasUsers(end));
    for (uint32_t i = 0; i < 8; i++) CHECK_EQ(me->Uses(end, i), i == me.self());
    me->CloseEnd(end);
    CHECK(!me->HasUsers(end));
  }
  CHECK(!me->HasEnds());
  me->Waiters(Ring::kJoin).Disarm(me.self());
  CHECK_EQ(me->Waiters(Ring::kJoin).Count(), 0);
  CHECK(me->Busy().empty());
  DrainAll(me.body);
  CHECK_EQ(Put(me.body, "y"), kOk);
  CHECK(Got(me.body) == "y");
}

TEST(a_user_of_silent_ends_killed_at_any_write_leaves_none_behind) {
  uint64_t points = 0;
  for (uint64_t k = 1;; k++) {
    RingSegment segment({});
    RingMember me(segment);
    me.Join();
    for (const Ring::End end : kEnds) me->OpenEnd(end, true);
    me->Waiters(Ring::kJoin).Arm(me.self());
    const int end = Child([&] {
                      RingMember member(segment);
                      member.Join();
                      fault::Arm(k, false);
                      UseEnds(member, me.self());
                      fault::Arm(0, false);
                      member.Leave();
                    }).Wait();
    if (end != 0) CHECK_EQ(end, -SIGKILL);
    CheckTheRest(me, end != 0);
    if (end == 0) break;
    points++;
  }
  printf("killed at %llu writes\n", static_cast<unsigned long long>(points));
  CHECK(points > 20);
}

TEST(a_user_of_silent_ends_stopped_at_any_write_keeps_what_it_has_opened) {
  struct Scene {
    explicit Scene(uint64_t k) {
      me.Join();
      for (const Ring::End end : kEnds) me->OpenEnd(end, true);
      me->Waiters(Ring::kJoin).Arm(me.self());
      victim.emplace([this, k] {
        RingMember member(segment);
        member.Join();
        fault::Arm(k, true);
        UseEnds(member, me.self());
        fault::Arm(0, false);
        member.Leave();
      });
    }
    RingSegment segment{{}};
    RingMember me{segment};
    std::optional<Child> victim;
    bool used[2] = {};
  };
  std::list<Scene> scenes;
  while (scenes.emplace_back(scenes.size() + 1).victim->AwaitStop()) continue;
  CHECK(scenes.size() > 20);
  const auto uses = [](Scene& scene, Ring::End end) { return scene.me->Uses(end, 1); };
  for (Scene& scene : scenes)
    for (const Ring::End end : kEnds) scene.used[end] = uses(scene, end);
  LetAPauseBe();
  for (Scene& scene : scenes) {
    if (&scene == &scenes.back()) break;
    CHECK_EQ(scene.me.ReapAll(), 0);
    for (const Ring::End end : kEnds) CHECK_EQ(uses(scene, end), scene.used[end]);
    scene.victim->Continue();
    CHECK_EQ(scene.victim->Wait(), 0);
  }
  for (Scene& scene : scenes) CheckTheRest(scene.me, false);
  printf("stopped at %zu writes\n", scenes.size() - 1);
}

TEST(who_waits_for_a_call_is_told_of_the_death_of_the_one_who_would_call) {
  RingSegment segment({});
  RingMember me(segment);
  me.Join();
  Gate opened;
  Child caller([&] {
    RingMember member(segment);
    member.Join();
    member->OpenEnd(Ring::kSending, true);
    opened.Open();
    while (member->Waiters(Ring::kJoin).Count() == 0) sched_yield();
    raise(SIGKILL);
  });
  opened.Pass();
  SpinBudget spin(false);
  Status status;
  do {
    status = me->Block(Ring::kJoin, spin, kLong, [&] { return me->HasUsers(Ring::kSending) ? kAgain : kOk; });
    if (status == kAgain) me.ReapAll();  // a slice has ended
  } while (status == kAgain);
  CHECK_EQ(status, kOk);
  CHECK_EQ(caller.Wait(), -SIGKILL);
}

}  // namespace
}  // namespace multiproc
