// Consumer: gets messages in every way that there is, and checks each against the ledger.
#pragma once

#include "actor.h"

namespace multiproc::soak {

class Consumer : public RingActor {
 public:
  using RingActor::RingActor;

  void Run() {
    for (bool more = true; more;) {
      const uint64_t kind = random().Below(100);
      if (kind == 99) {
        Rejoin();
      } else if (kind < 70) {
        more = Get();
      } else {
        for (uint64_t left = 1 + random().Below(16); left > 0 && TryGet(); left--) continue;
      }
      OperationEnds();
      Pace();
    }
    Leave();
  }

 private:
  // A claimed message, as the ledger knows it.
  struct Held {
    Claim claim;
    MessageId id;
    SpillDescriptor spill{};
  };

  // False when the queue was shut down at the end.
  bool Get() {
    const int64_t began = MonotonicNanos();
    Held held;
    const Status status = AwaitRing(Ring::kData, Doing::kClaiming, Doing::kAwaitingMessage,
                                    [&] { return ring().TryClaim(UINT64_MAX, &held.claim); });
    if (status == kShutDown) return GoesOn(began);
    if (status != kOk) ledger().Fail("%s: cannot claim: status %d", plan().name, status);
    Use(held);
    return true;
  }
  bool TryGet() {
    const int64_t began = MonotonicNanos();
    Held held;
    Step(Doing::kClaiming);
    const Status status = ring().TryClaim(UINT64_MAX, &held.claim);
    if (status == kAgain) return false;
    if (status == kShutDown) return GoesOn(began), false;
    if (status != kOk) ledger().Fail("%s: cannot claim: status %d", plan().name, status);
    Use(held);
    return true;
  }
  bool GoesOn(int64_t began) {
    if (In(Ledger::kDrained)) return false;
    CheckDeserted(began);
    // As long as nobody sends there is nothing to wait for; a pipe's user would go.
    Do(Doing::kNothing);
    Sleep(1'000'000);
    return true;
  }

  void Use(Held& held) {
    const uint32_t claims = Identify(held);
    Entry& entry = ledger().Of(held.id);
    if (claims > 0) books().redelivered.fetch_add(1);
    Step(Doing::kClaimed);
    Linger();
    if (plan().counted) CountAttempt(held, entry);
    if (random().Below(claims < 8 ? 20 : UINT32_MAX) == 0) return Requeue(held, entry);
    const bool copies = !plan().counted && random().Below(2) == 0;
    Step(Doing::kReading);
    Read(held, entry);
    Linger();
    // Between here and the mark behind it, a death leaves it to the message whether it comes again.
    Step(plan().counted ? Doing::kFinishing : Doing::kReleasing);
    if (plan().counted) {
      Require(ring().ReleaseDone(held.claim.position), "finish");
    } else if (copies) {
      ring().Release(held.claim);
    } else {
      Require(ring().Release(held.claim.position), "release");
    }
    entry.consumed.fetch_add(1);
    if (held.spill.id != 0) {
      Step(Doing::kRemovingSpill);
      Linger(1, 10'000'000);
      RemoveSpill(uuid(), held.spill.id);
    }
  }

  // Which message is it? Writes down that it was claimed; returns how often it had been before.
  uint32_t Identify(Held& held) {
    const uint64_t position = held.claim.position;
    held.id.raw = books().id_at[position & (plan().lines - 1)].load();
    if (held.id.raw == 0 || held.id.stream() >= kStreams) Wrong(held, "was never put");
    Entry& entry = ledger().Of(held.id);
    if (entry.number.load() != held.id.n() + 1) Wrong(held, "had gone already");
    if (entry.position.load() != position) Wrong(held, "was put elsewhere");
    if (entry.consumed.load() != 0) Wrong(held, "was got before");
    if ((entry.marks.load() & Entry::kAborted) != 0) Wrong(held, "was never committed");
    const uint32_t holder = entry.holder.load();
    if (holder != 0 && ledger().Lives(holder)) Wrong(held, "is in the hands of another one, who lives");
    row().message.store(held.id.raw);
    entry.holder.store(me());
    books().claims.fetch_add(1);
    const uint32_t claims = entry.claims.fetch_add(1);
    // Those that nobody has had before come in the order of their producer.
    uint64_t& newest = newest_[held.id.stream()];
    const uint64_t n = held.id.n() + 1;
    if (n < newest && claims == 0) books().late.fetch_add(1);
    newest = std::max(newest, n);
    return claims;
  }

  void Read(Held& held, Entry& entry) {
    const bool spilled = (held.claim.flags & kSpilledFlag) != 0;
    if (spilled != ((entry.marks.load() & Entry::kSpilled) != 0)) Wrong(held, "has other flags than it was put with");
    const uint64_t length = entry.length.load();
    bytes_.resize(std::max<uint64_t>(spilled ? length : held.claim.length, 1));
    if (spilled) {
      if (held.claim.length != sizeof held.spill) Wrong(held, "has no descriptor");
      memcpy(&held.spill, held.claim.bytes, sizeof held.spill);
      Descriptor file;
      if (held.spill.length != length) Wrong(held, "has another length than it was put with");
      if (OpenSpill(uuid(), held.spill, &file) != 0) Wrong(held, "has no file");
      if (ReadFully(file.get(), bytes_.data(), length, 0) != 0) Wrong(held, "has a file that is too short");
    } else {
      if (held.claim.length != length) Wrong(held, "has another length than it was put with");
      Ring::CopyOut(held.claim, bytes_.data());
    }
    if (!Content(held.id).Is(bytes_.data(), length)) Wrong(held, "has other bytes than it was put with");
  }

  // Each delivery for keeps counts one, but for those who died before they could count.
  void CountAttempt(Held& held, Entry& entry) {
    const uint32_t ended = entry.attempts_ended.load(), began = entry.attempts_began.fetch_add(1) + 1;
    Step(Doing::kCounting);
    const uint32_t attempts = ring().CountAttempt(held.claim.position);
    if (attempts < std::min(ended + 1, 255u) || attempts > began) Wrong(held, "counts its attempts wrongly");
    entry.attempts_ended.fetch_add(1);
    ring().PassOn(Ring::kData);
  }
  void Requeue(Held& held, Entry& entry) {
    // Others may have it at once.
    entry.holder.store(0);
    Step(Doing::kRequeueing);
    Require(ring().Requeue(held.claim.position), "requeue");
    books().requeued.fetch_add(1);
  }

  [[noreturn]] void Wrong(const Held& held, const char* what) {
    ledger().Fail("%s: incarnation %u got message %u:%llu at position %llu, length %llu, which %s", plan().name, me(),
                  held.id.stream(), static_cast<unsigned long long>(held.id.n()),
                  static_cast<unsigned long long>(held.claim.position),
                  static_cast<unsigned long long>(held.claim.length), what);
  }
  void Require(Status status, const char* what) {
    if (status != kOk) ledger().Fail("%s: cannot %s: status %d", plan().name, what, status);
  }

  uint64_t newest_[kStreams] = {};
  std::string bytes_;
};

}  // namespace multiproc::soak
