// Auditor: makes everything that the actors share, keeps it in use, and checks the ledger as long as the soak lasts and
// once more at its end. It is never killed.
#pragma once

#include <bit>
#include <vector>

#include "actor.h"
#include "core/barrier.h"
#include "core/condition.h"
#include "core/lock.h"
#include "core/semaphore.h"
#include "core/sweep.h"
#include "events.h"
#include "guarded.h"
#include "settlement.h"

namespace multiproc::soak {

class Auditor : public Actor {
 public:
  static constexpr uint32_t kIncarnation = 1;

  explicit Auditor(Ledger& ledger) : Actor(ledger, kSeatCount, kIncarnation, 1) {
    row().incarnation.store(kIncarnation);
    for (uint32_t i = 0; i < kStreams; i++) settlements_.push_back(Settlement(ledger, i));
    for (const RingPlan& plan : kRings) rings_.push_back(Published(plan.name, ParametersOf(plan)));
    objects_ = Make(kArenaName, ArenaParametersOfAll());
    objects_.arena().BecomeCreator();
    const BlockRequest requests[kObjectCount] = {
        Of(ObjectKind::kLock),      Of(ObjectKind::kLock),
        Of(ObjectKind::kRLock),     Of(ObjectKind::kLock),
        Of(ObjectKind::kCondition), Of(ObjectKind::kSemaphore, kPermits, kPermits),
        Of(ObjectKind::kEvent),     Of(ObjectKind::kBarrier, kParties, -1)};
    for (uint32_t i = 0; i < kObjectCount; i++) {
      blocks_[i] = objects_.arena().Allocate(requests[i]);
      CHECK(blocks_[i].offset() != 0);
      ledger.handles[i] = {blocks_[i].offset(), blocks_[i].generation()};
    }
    Semaphore(BlockOf(Object::kSemaphore)).Format(kPermits);
    Failure failure;
    CHECK(objects_.segment->Publish(&failure));
    ledger.founded.store(1);
  }

  void Run() {
    for (uint64_t round = 0; !In(Ledger::kDraining); round++) {
      SettleAll();
      if (round % 2 == 0) LetWaitersGo();
      if (round % 10 == 5) CheckBooks();
      // Rings everybody, which would make up for a wake that was lost: seldom, but for a death with the permit.
      const bool missing = ledger().permits_died + ledger().permits_unknown > 0;
      if (round % (missing ? 5 : 100) == 3) CountPermits();
      if (In(Ledger::kCalming) && ledger().calmed == 0) Calm();
      row().operations.fetch_add(1);
      Sleep(20'000'000);
    }
    Drain();
    CheckAtTheEnd();
    LeaveAll();
  }

 private:
  static SegmentParameters ParametersOf(const RingPlan& plan) {
    SegmentParameters parameters = QueueParameters(plan.lines);
    parameters.participants = kParticipants;
    parameters.maxsize = plan.maxsize;
    parameters.counted = plan.counted;
    parameters.body_bytes = RingPlaces::Of(plan.lines, plan.counted).total;
    return parameters;
  }
  static SegmentParameters ArenaParametersOfAll() { return ArenaParameters(kParticipants); }
  Block& BlockOf(Object object) { return blocks_[static_cast<uint32_t>(object)]; }
  QueueControl& ControlOf(uint32_t ring) { return *reinterpret_cast<QueueControl*>(rings_[ring].segment->body()); }

  // ---- throughout

  void SettleAll() {
    uint64_t heads[kRingCount];
    for (uint32_t i = 0; i < kRingCount; i++) {
      const Cursor head{ControlOf(i).head.Load(std::memory_order_seq_cst)};
      heads[i] = head.position();
      RingBooks& books = ledger().rings[i];
      books.head.store(head.position());
      books.tail.store(Cursor{ControlOf(i).tail.Load(std::memory_order_seq_cst)}.position());
      books.flags.store(ControlOf(i).flags.Load(std::memory_order_seq_cst));
      books.waiting.store(rings_[i].ring().Waiters(Ring::kData).Count() << 8 |
                          rings_[i].ring().Waiters(Ring::kSpace).Count());
    }
    for (uint32_t i = 0; i < kStreams; i++) settlements_[i].Settle(heads[kSeats[i].ring]);
  }

  // Whoever waits for a notification, or for the event, is owed an end of it.
  void LetWaitersGo() {
    Lock lock(BlockOf(Object::kConditionLock));
    row().object.store(static_cast<uint32_t>(Object::kConditionLock));
    const Status status = Await(
        Doing::kAcquiring, Doing::kAwaitingLock, [&] { return lock.TryAcquire(false); },
        [&](auto tracked, int64_t slice) {
          return BlockUntil<kCalmSliceNanos>(objects_.segment->registry(), BlockOf(Object::kConditionLock).waiters(),
                                             spin, slice, tracked);
        },
        [&] {
          const uint32_t owner = lock.Owner();
          if (owner != 0) Reap(objects_, owner - 1);
        });
    ComeIn(ledger(), Object::kConditionLock, me(), status == kOkOwnerDied);
    ledger().generation.fetch_add(1);
    ledger().grants_began.fetch_add(kParticipants);
    Condition condition(BlockOf(Object::kCondition));
    ledger().grants_ended.fetch_add(condition.Notify(kParticipants));
    if (condition.Waiting() > 0) ledger().Fail("notify to all leaves somebody waiting");
    GoOut(ledger(), Object::kConditionLock, me());
    if (lock.Release(false) != kOk) ledger().Fail("the condition's lock cannot be released");
    Do(Doing::kNothing);
    SetAndClear(ledger(), BlockOf(Object::kEvent));
    // A party that waits for others that have ended waits for ever.
    if (In(Ledger::kEnding)) Barrier(BlockOf(Object::kBarrier)).Abort();
  }

  void CheckBooks() {
    for (uint32_t i = 0; i < kRingCount; i++) {
      RingBooks& books = ledger().rings[i];
      if (rings_[i].ring().poisoned()) ledger().Fail("%s is poisoned", kRings[i].name);
      // What explains a late message was doomed before it came, and is written down afterwards.
      const uint64_t late = books.late.load(), doomed = ledger().CountDoomed();
      const uint64_t died = books.died_claiming.load() + doomed;
      if (late > died)
        ledger().Fail("%s: %llu messages came late, %llu deaths may explain one each", kRings[i].name, Number(late),
                      Number(died));
    }
    for (uint32_t i = 0; i < kLocks; i++) {
      const Guarded& guarded = ledger().locks[i];
      const uint64_t told = guarded.told_of_nobody.load(), doomed = ledger().CountDoomed();
      const uint64_t died = guarded.died_around.load() + doomed;
      if (told > died)
        ledger().Fail("lock %u: told of %llu deaths of nobody, %llu may have been around it", i, Number(told),
                      Number(died));
    }
    const uint64_t released = ledger().barrier.rounds_released.load();
    const uint64_t arrived = ledger().barrier.arrivals_began.load();
    if (released * kParties > arrived)
      ledger().Fail("%llu rounds were released for %llu who came", Number(released), Number(arrived));
    if (objects_.segment->poisoned()->Load(std::memory_order_relaxed) != 0) ledger().Fail("the arena is poisoned");
    if (In(Ledger::kCalm)) CheckEnds();
    ledger().audits.fetch_add(1);
  }

  // Once the dead are repaired, an end of a pipe has no users but those who live.
  void CheckEnds() {
    for (uint32_t ring = 0; ring < kRingCount; ring++) {
      for (const Ring::End end : {Ring::kReceiving, Ring::kSending}) {
        const Role role = end == Ring::kReceiving ? Role::kConsumer : Role::kProducer;
        const auto seats = std::count_if(std::begin(kSeats), std::end(kSeats), [&](const SeatPlan& seat) {
          return seat.role == role && seat.ring == ring && kRings[ring].ends;
        });
        int users = 0;
        for (const Shared<uint64_t>& word : ControlOf(ring).end_users[end])
          users += std::popcount(word.Load(std::memory_order_seq_cst));
        if (users > seats)
          ledger().Fail("end %d of %s counts %d users, of whom some are dead", end, kRings[ring].name, users);
      }
    }
  }

  // Permits have no owner: those of the dead are gone, and given back by us, who know of them. They are counted while
  // nobody is near the semaphore. What the ledger cannot see is a death inside TryAcquire or Release.
  void CountPermits() {
    ledger().semaphore_closed.store(1);
    BlockOf(Object::kSemaphore).registry().RingEverybody();
    bool clear = false;
    for (int i = 0; i < 20 && !clear; i++) {
      clear = std::none_of(std::begin(ledger().rows), std::end(ledger().rows), [](const Row& row) {
        return row.object == static_cast<uint32_t>(Object::kSemaphore) && IsNearSemaphore(row.doing);
      });
      if (!clear) Sleep(1'000'000);
    }
    if (clear) {
      Semaphore semaphore(BlockOf(Object::kSemaphore));
      const uint64_t died = ledger().permits_died.exchange(0), unknown = ledger().permits_unknown.exchange(0);
      const uint64_t value = semaphore.Value();
      if (value + died > kPermits || value + died + unknown < kPermits) {
        ledger().Fail("%llu permits are left of %u: %llu died with their holders, %llu may have", Number(value),
                      kPermits, Number(died), Number(unknown));
      }
      ledger().permits_returned.fetch_add(died);
      ledger().permits_lost_unknown.fetch_add(kPermits - value - died);
      if (value < kPermits && semaphore.Release(static_cast<uint32_t>(kPermits - value), kPermits) != kOk)
        ledger().Fail("permits cannot be given back");
      ledger().permit_audits.fetch_add(1);
    }
    ledger().semaphore_closed.store(0);
  }
  static bool IsNearSemaphore(Doing doing) {
    return doing == Doing::kTakingPermit || doing == Doing::kAwaitingPermit || doing == Doing::kHoldingPermit ||
           doing == Doing::kGivingPermit || doing == Doing::kReaping;
  }

  // ---- once nobody is killed any more

  void RepairAll() {
    for (Opened& ring : rings_) {
      ReapAll(ring);
      CollectSpills(ring.segment->uuid(), ring.ring());
    }
    ReapAll(objects_);
  }
  void Calm() {
    RepairAll();
    ledger().swept.fetch_add(SweepOrphans().size());
    ledger().calmed.store(1);
  }

  // ---- the end: producers have ended, consumers go on until they have everything

  void Drain() {
    for (;;) {
      SettleAll();
      if (std::all_of(settlements_.begin(), settlements_.end(), [](const Settlement& each) { return each.HasAll(); }))
        break;
      row().operations.fetch_add(1);
      Sleep(2'000'000);
    }
    ledger().phase.store(Ledger::kDrained);
    for (Opened& ring : rings_) ring.ring().ShutDown(false);
  }

  void CheckAtTheEnd() {
    // Until we are the only participant.
    for (Opened& ring : rings_) AwaitLeaving(ring);
    AwaitLeaving(objects_);
    CheckBooks();
    CountPermits();
    if (ledger().permit_audits == 0 || Semaphore(BlockOf(Object::kSemaphore)).Value() != kPermits)
      ledger().Fail("the permits could not be counted at the end");
    for (uint32_t i = 0; i < kRingCount; i++) {
      Ring& ring = rings_[i].ring();
      const std::string name = kRings[i].name;
      if (ring.Size() != 0 || ring.UsedLines() != 0 || !ring.Busy().empty())
        ledger().Fail("%s is not empty", name.c_str());
      if (ring.HasUsers(Ring::kReceiving) || ring.HasUsers(Ring::kSending))
        ledger().Fail("an end of %s is in use after all have left", name.c_str());
      if (ring.counted() && ring.Unfinished() != 0)
        ledger().Fail("%llu tasks are unfinished", Number(ring.Unfinished()));
    }
    for (uint32_t i = 0; i < kLocks; i++) {
      Lock lock(blocks_[i]);
      const bool again = i == static_cast<uint32_t>(Object::kRLock),
                 hold = i == static_cast<uint32_t>(Object::kHeldLock);
      const Status status = again ? lock.TryEnter() : lock.TryAcquire(hold);
      if (status != kOk) ledger().Fail("lock %u gives status %d after all have left", i, status);
      ComeIn(ledger(), static_cast<Object>(i), me(), false);
      GoOut(ledger(), static_cast<Object>(i), me());
      if ((again ? lock.Exit() : lock.Release(hold)) != kOk) ledger().Fail("lock %u cannot be released", i);
    }
    CheckCondition();
  }
  // Everything given was taken, or died with whom it was given to, unless another one waited.
  void CheckCondition() {
    Block& block = BlockOf(Object::kCondition);
    for (uint32_t i = 0; i < kParticipants; i++)
      if (block.slot(i).Load(std::memory_order_seq_cst) != 0)
        ledger().Fail("participant %u waits for a notification", i);
    const uint64_t taken = ledger().grants_taken, given = ledger().grants_ended;
    const uint64_t most = given + 2 * ledger().died_notifying + ledger().died_reaping;
    const uint64_t least = taken + ledger().died_awaiting_notification;
    if (taken > most || given > least)
      ledger().Fail("%llu notifications were given, %llu taken, %llu to %llu would be right", Number(given),
                    Number(taken), Number(given), Number(most));
  }
  void AwaitLeaving(Opened& opened) {
    const auto others = [&] {
      uint32_t living = 0;
      for (uint32_t i = 0; i < kParticipants; i++) {
        Registry& registry = opened.segment->registry();
        const bool live = registry.slot(i).state.Load(std::memory_order_seq_cst) == kSlotLive;
        living += i != registry.self() && live ? 1 : 0;
      }
      return living;
    };
    while (others() > 0) Sleep(2'000'000);
  }

  // Since the calm nobody has died: who left has taken everything along, and nothing waits for a sweep.
  void LeaveAll() {
    if (FilesWithPrefix(FilePrefix()).size() != kRingCount + 1) FailOfFiles();
    for (Opened& ring : rings_)
      if (!ring.Leave()) ledger().Fail("somebody uses a queue after all have left");
    if (!objects_.Leave()) ledger().Fail("somebody uses the arena after all have left");
    if (!FilesWithPrefix(FilePrefix()).empty()) FailOfFiles();
  }
  [[noreturn]] void FailOfFiles() {
    std::string names;
    for (const std::string& file : FilesWithPrefix(FilePrefix())) names += " " + file;
    ledger().Fail("files of nobody are left:%s", names.c_str());
  }
  static unsigned long long Number(uint64_t number) { return number; }

  std::vector<Settlement> settlements_;
  std::vector<Opened> rings_;
  Opened objects_;
  Block blocks_[kObjectCount];
};

}  // namespace multiproc::soak
