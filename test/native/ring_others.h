// Others: the processes beside a victim, in the middle of operations of their own when it dies. They wait as the
// library waits, and nobody but they themselves finds the dead.
#pragma once

#include <sched.h>

#include "ring_scenarios.h"

namespace multiproc {

inline std::vector<Role> RolesOf(const Scenario& scenario, uint32_t others) {
  if (others <= 1) return std::vector<Role>(others, scenario.beside);
  std::vector<Role> roles = {Role::kProducer, Role::kConsumer, Role::kBoth};
  for (uint32_t i = 3; i < others; i++) roles.push_back(Role::kBoth);
  return roles;
}

class Others {
 public:
  // Operations that each completes after the death.
  static constexpr uint64_t kEach = 16;
  // A producer alone fills the ring, a consumer alone empties it: the test does the opposite so often that each of them
  // must have done its part, whatever lay in the ring.
  static constexpr uint64_t kOpposite = 64 + 2 * kEach;
  // After so many operations before the death, and after those that count, they go on at a pace that leaves the
  // processor to whoever has not got that far.
  struct Pace {
    uint64_t brisk = 200;
    int64_t nanos = 200'000;
  };

  // Returns when all of them are inside an operation, or have found the queue shut down.
  Others(const RingSegment& segment, Ledger& ledger, const std::vector<Role>& roles, uint64_t seed)
      : Others(segment, ledger, roles, seed, {}) {}
  Others(const RingSegment& segment, Ledger& ledger, const std::vector<Role>& roles, uint64_t seed, Pace pace)
      : ledger_(ledger), pace_(pace) {
    for (uint32_t i = 0; i < roles.size(); i++) {
      const Role role = roles[i];
      const uint32_t number = Ledger::kFirstOther + i;
      children_.push_back(Child([&segment, &ledger, this, role, number, seed] {
        Run(segment, ledger, role, number, Random(seed * 31 + number));
      }));
    }
    while (CountDoing([](uint32_t doing) { return doing != Ledger::kNothing; }) < roles.size()) sched_yield();
  }

  size_t count() const { return children_.size(); }
  pid_t pid(size_t i) const { return children_[i].pid(); }
  size_t CountDoing(bool (*which)(uint32_t doing)) const {
    size_t count = 0;
    for (uint32_t i = 0; i < children_.size(); i++) count += which(ledger_.doing[Ledger::kFirstOther + i]) ? 1 : 0;
    return count;
  }

  // Those that were told to stay in the middle of an operation go on.
  void LetGo() {
    if (ledger_.hold.exchange(0) != 0) FutexWake(&ledger_.hold, INT32_MAX);
  }
  // Each has completed what it must after the death; those alone in their role with the help of `me`.
  void GoOn(Actor& me, Role alone) {
    for (uint64_t i = 0; children_.size() == 1 && i < kOpposite; i++) {
      if (!(alone == Role::kConsumer ? me.Put(i % 3 * 40) : me.Get())) break;
    }
    for (size_t i = 0; i < children_.size(); i++) gone_on_.Pass();
  }
  void Stop(Actor& me) {
    ledger_.stop.store(1);
    FutexWake(&ledger_.stop, INT32_MAX);
    me.member().registry.RingEverybody();
    for (Child& child : children_) CHECK_EQ(child.Wait(), 0);
  }

 private:
  void Run(const RingSegment& segment, Ledger& ledger, Role role, uint32_t number, Random random) {
    RingMember member(segment);
    member.Join();
    Actor actor(segment, member, ledger, number);
    uint64_t after = 0;
    for (uint64_t n = 0; ledger.stop == 0 && Act(actor, role, n, random); n++) {
      if (ledger.over != 0 && ++after == kEach) gone_on_.Open();
      actor.Linger(after >= kEach || (after == 0 && n > pace_.brisk) ? pace_.nanos : 0);
      if (random.Below(8) == 0) sched_yield();
    }
    // Shut down: there is nothing more to complete.
    if (after < kEach) gone_on_.Open();
    ledger.doing[number] = Ledger::kGone;
  }
  static bool Act(Actor& actor, Role role, uint64_t n, Random& random) {
    if (role == Role::kProducer) return Produce(actor, random);
    if (role == Role::kConsumer) return actor.Get();
    // Takes as much as it gives, in all the other ways.
    switch (n % 4) {
      case 0:
        return actor.Take() && actor.Requeue();
      case 1:
        return actor.Get();
      case 2:
        return actor.ReserveAndAbort(200);
      default:
        return actor.PutShortened(200, 8 + random.Below(100));
    }
  }
  static bool Produce(Actor& actor, Random& random) {
    const uint64_t kind = random.Below(32);
    return kind == 0 ? actor.Put(1000) : actor.Put(kind < 8 ? random.Below(200) : random.Below(50));
  }

  Ledger& ledger_;
  const Pace pace_;
  Gate gone_on_;
  std::vector<Child> children_;
};

}  // namespace multiproc
