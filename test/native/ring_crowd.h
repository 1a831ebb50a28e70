// RingCrowd: participants that do random things to one ring, each thing judged by the oracle.
#pragma once

#include <memory>

#include "ring_oracle.h"

namespace multiproc {

struct CrowdPlan {
  RingShape shape;
  uint64_t open = 0;      // reservations and claims to keep unfinished; 0: few of each participant
  uint64_t lifetime = 0;  // operations after which a participant dies, on average; 0: for ever
};

class RingCrowd {
 public:
  RingCrowd(uint64_t seed, const std::function<CrowdPlan(Random&)>& plan)
      : run_(seed, [this] { Interrupt(); }),
        plan_(plan(run_.random())),
        segment_(plan_.shape),
        oracle_(segment_, run_) {
    people_.resize(plan_.shape.participants);
    for (Participant& p : people_) {
      p.member = std::make_unique<RingMember>(segment_);
      p.member->Join();
    }
  }

  Random& random() { return run_.random(); }
  uint64_t operations() const { return run_.operations(); }

  // So many operations, those inside others among them.
  void Act(uint64_t operations) {
    const uint64_t end = run_.operations() + operations;
    const uint64_t puts = 30 + 20 * random().Below(3);
    // Bounded: all may have died.
    for (uint64_t n = 0; n < operations && run_.operations() < end; n++) One(puts, Anybody());
  }

  // Everybody finishes; then nothing is missing and nothing too much.
  void Rest() {
    const Interleaving::Calm calm(run_);
    for (size_t i = 0; i < people_.size(); i++) {
      if (people_[i].dead) Repair((i + 1) % people_.size(), i);
    }
    for (size_t i = 0; i < people_.size(); i++) {
      while (!people_[i].writing.empty()) random().Below(2) == 0 ? Abort(i) : Commit(i);
      while (!people_[i].reading.empty()) random().Below(4) == 0 ? Requeue(i) : Release(i);
    }
    Ring& ring = people_[0].member->body;
    for (const auto& [number, message] : oracle_.messages) run_.Require(message.committed, "no commit is half done");
    run_.Require(ring.Size() == oracle_.messages.size(), "every message is there");
    if (plan_.shape.counted)
      run_.Require(ring.Unfinished() == oracle_.puts - oracle_.dones, "unfinished is what was put and not done");
    if (random().Below(2) == 0) {
      for (size_t i = Anybody(); ClaimOne(i); i = Anybody()) Release(i);
      run_.Require(oracle_.messages.empty(), "every message is delivered");
      ring.Full();
      run_.Require(PositionDistance(oracle_.view.Head(), oracle_.view.Tail()) <= plan_.shape.lines, "no line is lost");
      segment_.control().flags.Store(0, std::memory_order_relaxed);
    }
    if (random().Below(4) == 0) ring.ShutDown(false);
    run_.Require(!oracle_.view.IsPoisoned(), "nothing looks damaged");
  }

 private:
  struct Written {
    Claim claim;
    uint64_t reserved;
  };
  struct Read {
    Claim claim;
    uint64_t number;
  };
  struct Participant {
    std::unique_ptr<RingMember> member;
    std::vector<Written> writing;
    std::vector<Read> reading;
    uint64_t serial = 0;
    bool busy = false, dead = false, in_repair = false;
  };

  template <typename Operation>
  bool Run(size_t i, const char* name, Operation operation) {
    Participant& p = people_[i];
    const bool dies = plan_.lifetime != 0 && random().Below(plan_.lifetime) == 0;
    p.busy = true;
    const bool lives = run_.Run(name, dies ? 1 + random().Below(50) : 0, [&] { operation(p.member->body); });
    p.busy = false;
    oracle_.JudgeCursors();
    if (lives) return true;
    p.dead = true;
    for (const Read& read : p.reading) Drop(read.number);
    p.reading.clear();
    p.writing.clear();
    return false;
  }
  // Its reader is dead; it is still in the queue unless it was consumed.
  void Drop(uint64_t number) {
    const auto found = oracle_.messages.find(number);
    if (found != oracle_.messages.end()) found->second.holder = RingOracle::kNobody;
  }

  template <typename Held>
  Held Take(std::vector<Held>& held) {
    // Mostly the first, as in a program without a pool.
    const auto which = held.begin() + static_cast<ptrdiff_t>(random().Below(2) == 0 ? 0 : random().Below(held.size()));
    const Held taken = *which;
    held.erase(which);
    return taken;
  }

  void Reserve(size_t i) {
    Participant& p = people_[i];
    const uint64_t kind = random().Below(plan_.open != 0 ? 100 : 20);
    const uint64_t length = 8 + random().Below(kind == 0  ? p.member->body.MostBytes() - 7
                                               : kind < 6 ? uint64_t{300}
                                                          : uint64_t{57});
    Run(i, "reserve", [&](Ring& ring) {
      const RingOracle::Before before = oracle_.Now();
      Claim claim;
      const Status status = ring.TryReserve(length, &claim);
      oracle_.JudgeReserve(before, status, claim, LinesOf(length), p.member->self());
      if (status == kOk) p.writing.push_back({claim, length});
    });
  }

  void Commit(size_t i) {
    Participant& p = people_[i];
    if (p.writing.empty()) return;
    const Written written = Take(p.writing);
    const Claim& claim = written.claim;
    const uint64_t length = random().Below(3) == 0 ? 8 + random().Below(written.reserved - 7) : written.reserved;
    const uint64_t number = ++numbers_;
    const std::string rest = Pattern(number, length - sizeof number);
    memcpy(claim.bytes, &number, sizeof number);
    memcpy(claim.bytes + sizeof number, rest.data(), rest.size());
    oracle_.messages[number] = {p.member->self(), ++p.serial, claim.position, length};
    const bool lives = Run(i, "commit", [&](Ring& ring) {
      const bool by_claim = random().Below(2) == 0;
      run_.Require((by_claim ? ring.Commit(claim, length, 0) : ring.Commit(claim.position, length, 0)) == kOk,
                   "a reservation can be committed");
    });
    if (!lives && oracle_.view.Holds(p.member->self(), claim.position, kWriting)) {
      oracle_.messages.erase(number);
      return;
    }
    oracle_.puts++;
    const auto found = oracle_.messages.find(number);
    if (found != oracle_.messages.end()) found->second.committed = true;
  }

  void Abort(size_t i) {
    Participant& p = people_[i];
    if (p.writing.empty()) return;
    const Written written = Take(p.writing);
    Run(i, "abort",
        [&](Ring& ring) { run_.Require(ring.Abort(written.claim.position) == kOk, "a reservation can be aborted"); });
  }

  // False if there was nothing.
  bool ClaimOne(size_t i) {
    Participant& p = people_[i];
    const size_t held = p.reading.size();
    const bool lives = Run(i, "claim", [&](Ring& ring) {
      const RingOracle::Before before = oracle_.Now();
      Claim claim;
      const Status status = ring.TryClaim(UINT64_MAX, &claim);
      oracle_.JudgeClaim(before, status, claim, p.member->self());
      if (status != kOk) return;
      oracle_.Touch(claim.position);
      const uint64_t number = oracle_.view.NumberAt(claim.position);
      oracle_.messages[number].holder = static_cast<int>(i);
      p.reading.push_back({claim, number});
    });
    return lives && p.reading.size() > held;
  }

  void Release(size_t i) {
    Participant& p = people_[i];
    if (p.reading.empty()) return;
    const Read read = Take(p.reading);
    const Claim& claim = read.claim;
    oracle_.messages[read.number].holder = RingOracle::kReleasing;
    const uint64_t how = random().Below(plan_.shape.counted ? 3 : 2);
    const bool lives = Run(i, "release", [&](Ring& ring) {
      if (how == 0)
        ring.Release(claim);
      else
        run_.Require((how == 1 ? ring.Release(claim.position) : ring.ReleaseDone(claim.position)) == kOk,
                     "a claimed message can be released");
    });
    if (!lives && oracle_.view.Holds(p.member->self(), claim.position, kReading)) {
      Drop(read.number);
      return;
    }
    if (how == 2) oracle_.dones++;
    oracle_.messages.erase(read.number);
  }

  void Requeue(size_t i) {
    Participant& p = people_[i];
    if (p.reading.empty()) return;
    const Read read = Take(p.reading);
    RingOracle::Message& message = oracle_.messages[read.number];
    message.holder = RingOracle::kNobody;
    message.requeued = true;
    oracle_.Touch(read.claim.position);
    Run(i, "requeue", [&](Ring& ring) {
      run_.Require(ring.Requeue(read.claim.position) == kOk, "a claimed message can be given back");
    });
  }

  void Repair(size_t i, size_t dead) {
    Participant& late = people_[dead];
    const uint32_t slot = late.member->self();
    late.in_repair = true;
    for (const auto& [position, record] : oracle_.view.Records().places) {
      if (record.owner == slot && record.state == kReading) Return(position, slot);
    }
    const bool lives = Run(i, "repair", [&](Ring& ring) { ring.Repair(slot); });
    late.in_repair = false;
    if (!lives) return;
    for (const auto& [position, record] : oracle_.view.Records().places)
      run_.Require(record.owner != slot || IsFinished(record) || record.state == kReady, "the dead hold nothing");
    // The next participant in this slot.
    const RingShape& shape = plan_.shape;
    late.member->body =
        Ring(segment_.body(), &late.member->registry, segment_.poisoned(), shape.lines, shape.maxsize, shape.counted);
    late.dead = false;
  }
  // What the dead was reading: done if it has said so, otherwise another one's.
  void Return(uint64_t position, uint32_t slot) {
    oracle_.Touch(position);
    const uint64_t number = oracle_.view.NumberAt(position);
    const auto found = oracle_.messages.find(number);
    if (plan_.shape.counted && IsMarked(segment_.slots()[slot].dones.raw()->load(), position)) {
      if (found == oracle_.messages.end()) return;  // an earlier repair got no further
      oracle_.dones++;
      oracle_.messages.erase(found);
      return;
    }
    run_.Require(found != oracle_.messages.end(), "the dead read messages only");
    found->second.requeued = true;
  }

  void Look(size_t i) {
    Run(i, "look", [&](Ring& ring) {
      const RingOracle::Before before = oracle_.Now();
      switch (random().Below(5)) {
        case 0:
          return ring.PassOn(Ring::kSpace);
        case 1:
          return oracle_.JudgeReady(before, ring.WorthRinging(Ring::kData));
        case 2:
          return oracle_.JudgeFull(before, ring.Full());
        case 3:
          return oracle_.JudgeSize(before, ring.Size());
        default:
          return ring.Waiters(static_cast<int>(random().Below(2)))
              .Arm(static_cast<uint32_t>(random().Below(plan_.shape.participants)));
      }
    });
  }

  // Operations of others, mostly few; of many at times, and at times of one alone.
  void Interrupt() {
    const uint64_t operations = random().Below(50) == 0 ? 1 + random().Below(600) : 1 + random().Below(4);
    const bool one_alone = random().Below(3) == 0;
    const size_t alone = Anybody();
    for (uint64_t n = 0; n < operations; n++) One(50, one_alone ? alone : Anybody());
  }

  size_t Anybody() { return random().Below(people_.size()); }

  void One(uint64_t puts, size_t i) {
    if (people_[i].busy || people_[i].dead) return;
    for (size_t dead = 0; dead < people_.size(); dead++) {
      const Participant& late = people_[dead];
      if (late.dead && !late.in_repair && random().Below(30) == 0) return Repair(i, dead);
    }
    const uint64_t choice = random().Below(100);
    if (choice < 2) return Look(i);
    if (choice < 4) return Requeue(i);
    if (choice < 6) return Abort(i);
    // Some only produce, some only consume.
    const bool produces = i % 3 == 0 ? random().Below(100) < puts : i % 3 == 1;
    const size_t held = produces ? people_[i].writing.size() : people_[i].reading.size();
    if (!BeginsAnother(held)) return produces ? Commit(i) : Release(i);
    if (produces)
      Reserve(i);
    else
      ClaimOne(i);
  }
  bool BeginsAnother(size_t held) {
    if (plan_.open == 0) return held < 1 + random().Below(4) && random().Below(2) == 0;
    size_t open = 0;
    for (const Participant& p : people_) open += p.writing.size() + p.reading.size();
    return random().Below(4) != 0 ? open < plan_.open : random().Below(2) == 0;
  }

  Interleaving run_;
  const CrowdPlan plan_;
  RingSegment segment_;
  RingOracle oracle_;
  std::vector<Participant> people_;
  uint64_t numbers_ = 0;
};

}  // namespace multiproc
