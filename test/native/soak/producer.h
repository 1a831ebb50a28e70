// Producer: puts messages in every way that there is.
#pragma once

#include "actor.h"

namespace multiproc::soak {

class Producer : public RingActor {
 public:
  Producer(Ledger& ledger, uint32_t seat, uint32_t incarnation, uint64_t seed)
      : RingActor(ledger, seat, incarnation, seed), stream_(ledger.streams[seat]) {}

  void Run() {
    while (!In(Ledger::kEnding)) {
      AwaitAuditor();
      const uint64_t kind = random().Below(100);
      if (kind < 60) {
        Put(DrawLength(random()));
      } else if (kind < 75) {
        for (uint64_t left = 1 + random().Below(12); left > 0 && TryPut(random().Below(300)); left--) continue;
      } else if (kind < 85) {
        PutTogether();
      } else if (kind < 93) {
        PutShortened();
      } else if (kind < 99) {
        ReserveAndAbort();
      } else {
        Rejoin();
      }
      OperationEnds();
      Pace();
    }
    Leave();
  }

 private:
  // The ledger remembers only so many messages that nobody has got yet.
  void AwaitAuditor() {
    if (stream_.next - stream_.settled < Stream::kWindow - 64) return;
    Step(Doing::kThrottled);
    while (stream_.next - stream_.settled >= Stream::kWindow - 64) Sleep(1'000'000);
  }

  void Put(uint64_t length) {
    if (length > ring().MostBytes()) return PutSpilled(length);
    Claim claim;
    if (!Reserve(length, &claim)) return;
    Commit(claim, Enter(claim, length, 0), length);
  }
  bool TryPut(uint64_t length) {
    Claim claim;
    if (!TryReserve(length, &claim)) return false;
    Commit(claim, Enter(claim, length, 0), length);
    return true;
  }
  // Several are reserved before the first is committed.
  void PutTogether() {
    struct Part {
      Claim claim;
      MessageId id;
      uint64_t length;
    };
    std::vector<Part> parts;
    for (uint64_t left = 2 + random().Below(3); left > 0; left--) {
      Part part{{}, {}, random().Below(400)};
      if (!TryReserve(part.length, &part.claim)) break;
      part.id = Enter(part.claim, part.length, 0);
      parts.push_back(part);
      Linger();
    }
    for (const Part& part : parts) Commit(part.claim, part.id, part.length);
  }
  void PutShortened() {
    const uint64_t reserved = random().Below(2000), length = random().Below(reserved + 1);
    Claim claim;
    if (!Reserve(reserved, &claim)) return;
    const MessageId id = Enter(claim, length, 0);
    ring().PassOn(Ring::kSpace);
    Linger();
    Commit(claim, id, length);
  }
  void ReserveAndAbort() {
    Claim claim;
    if (!Reserve(random().Below(1000), &claim)) return;
    const MessageId id = Enter(claim, 0, Entry::kAborted);
    ring().PassOn(Ring::kSpace);
    Linger();
    Abort(claim, id);
  }
  void PutSpilled(uint64_t length) {
    Claim claim;
    if (!Reserve(sizeof(SpillDescriptor), &claim)) return;
    const MessageId id = Enter(claim, length, Entry::kSpilled);
    ring().PassOn(Ring::kSpace);
    ring().MarkSpilled();
    std::string body(length, '\0');
    Content(id).Write(body.data(), length);
    Step(Doing::kSpilling);
    SpillWriter spill(uuid());
    const int error = spill.Write(body.data(), 16, body.data() + 16, length - 16);
    if (error == ENOSPC) {
      ledger().Of(id).marks.fetch_or(Entry::kAborted);
      books().refused.fetch_add(1);
      return Abort(claim, id);
    }
    if (error != 0)
      ledger().Fail("cannot spill %llu bytes: %s", static_cast<unsigned long long>(length), strerror(error));
    Linger(1, 10'000'000);
    const SpillDescriptor descriptor = spill.descriptor();
    memcpy(claim.bytes, &descriptor, sizeof descriptor);
    Step(Doing::kCommitting);
    spill.Keep();
    Require(ring().Commit(claim.position, sizeof descriptor, kSpilledFlag), "commit");
    ledger().Of(id).marks.fetch_or(Entry::kEnded);
  }

  bool Reserve(uint64_t length, Claim* claim) {
    const int64_t began = MonotonicNanos();
    return Reserved(began, AwaitRing(Ring::kSpace, Doing::kReserving, Doing::kAwaitingRoom,
                                     [&] { return ring().TryReserve(length, claim); }));
  }
  bool TryReserve(uint64_t length, Claim* claim) {
    const int64_t began = MonotonicNanos();
    Step(Doing::kReserving);
    const Status status = ring().TryReserve(length, claim);
    return status != kAgain && Reserved(began, status);
  }
  bool Reserved(int64_t began, Status status) {
    if (status == kShutDown) return CheckDeserted(began), false;
    Require(status, "reserve");
    return true;
  }

  // From here on the ledger knows the message: it may come out once, or, once it was put, must.
  MessageId Enter(const Claim& claim, uint64_t length, uint8_t marks) {
    Step(Doing::kEntering);
    const uint64_t n = stream_.next.load();
    const MessageId id = MessageId::Of(seat(), n);
    Entry& entry = stream_.At(n);
    entry.number.store(0);
    entry.position.store(claim.position);
    entry.length.store(length);
    entry.producer.store(me());
    entry.marks.store(marks);
    entry.holder.store(0);
    entry.claims.store(0);
    entry.attempts_began.store(0);
    entry.attempts_ended.store(0);
    entry.consumed.store(0);
    entry.number.store(n + 1);
    books().id_at[claim.position & (plan().lines - 1)].store(id.raw);
    stream_.next.store(n + 1);
    row().message.store(id.raw);
    return id;
  }
  void Commit(const Claim& claim, MessageId id, uint64_t length) {
    row().message.store(id.raw);
    Step(Doing::kWriting);
    Content(id).Write(claim.bytes, length);
    Linger();
    Step(Doing::kCommitting);
    const bool by_claim = random().Below(2) == 0;
    Require(by_claim ? ring().Commit(claim, length, 0) : ring().Commit(claim.position, length, 0), "commit");
    ledger().Of(id).marks.fetch_or(Entry::kEnded);
  }
  void Abort(const Claim& claim, MessageId id) {
    row().message.store(id.raw);
    Step(Doing::kAborting);
    Require(ring().Abort(claim.position), "abort");
  }
  void Require(Status status, const char* what) {
    if (status != kOk) ledger().Fail("%s: cannot %s: status %d", plan().name, what, status);
  }

  Stream& stream_;
};

}  // namespace multiproc::soak
