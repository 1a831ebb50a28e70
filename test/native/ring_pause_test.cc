// The ring one of whose users is stopped at every single shared write and system call of every operation, for longer
// than anything in the library waits. Nobody takes it for dead: others go on, what it holds stays held and is named,
// and when it continues it finishes as if nothing had happened.
#include <memory>

#include "named_segment.h"
#include "pause.h"
#include "ring_scenarios.h"
#include "short_form.h"

namespace multiproc {
namespace {

// One stopped process, with a ring of its own, so that many can be stopped at the same time.
class Stopped {
 public:
  Stopped(const Scenario& scenario, uint64_t k, const std::string& name)
      : visible_(Published(name, QueueParameters())),
        segment_(scenario.shape),
        me_(segment_),
        actor_(segment_, me_, *ledger_, Ledger::kMe),
        scenario_(scenario) {
    segment_.set_uuid(visible_.segment->uuid());
    me_.Join();
    for (uint64_t i = 0; i < scenario.before; i++) CHECK(actor_.TryPut(i * 30));
    victim_.emplace(scenario, segment_, *ledger_, k, true);
    for (int q = 0; q < kWaitQueues; q++) me_->Waiters(q).Arm(me_.self());
    victim_->Go();
    fed_ = victim_->FeedBy(actor_);
    stopped_ = victim_->child().AwaitStop();
  }

  bool stopped() const { return stopped_; }
  bool held_room() const { return held_room_; }

  // What comes and goes beside it. Messages that it may be after stay where they are.
  void OthersGoOn() {
    if (me_->QueueFlags() != 0) return;
    uint64_t put = 0;
    while (actor_.TryPut(0)) put++;
    const std::vector<uint32_t> busy = me_->Busy();
    if (busy.empty()) {
      // It holds nothing, so everything can be used; but a record that it gave up counts as a message until those
      // before it have gone.
      const RingShape& shape = segment_.shape;
      CHECK(me_->UsedLines() == shape.lines || (shape.maxsize != 0 && me_->Size() + 1 >= shape.maxsize));
    } else {
      held_room_ = true;
      for (const uint32_t slot : busy) {
        CHECK_EQ(slot, kVictimSlot);
        // What an error of a full queue is made of.
        CHECK_EQ(me_->registry().slot(slot).pid, static_cast<uint32_t>(victim_->child().pid()));
      }
    }
    // What it has in its hands keeps room from being used, but no message from being got.
    for (uint64_t i = 0; i < put; i++) CHECK(actor_.TryGet());
    CHECK(!me_->poisoned());
  }
  void IsNotDead() {
    CHECK_EQ(me_.ReapAll(), 0);
    CHECK(!victim_->child().HasChanged());
  }
  // Finishes as if nothing had happened; the books add up exactly.
  void Continue() {
    victim_->child().Continue();
    if (!fed_) victim_->FeedBy(actor_);
    // What it held kept the room behind it from being used again, and it may need that now: somebody gets what it put.
    while (!victim_->child().HasChanged()) {
      if (!IsArmed<Ring::kSpace>(segment_) || !actor_.TryGet()) sched_yield();
    }
    CHECK_EQ(victim_->child().Wait(), 0);
    CHECK_EQ(me_.ReapAll(), 0);
    Close();
  }
  void Close() {
    const uint32_t flags = me_->QueueFlags();
    CHECK(flags == 0 || scenario_.shuts_down);
    Balance(segment_, me_, *ledger_, actor_, {.shut_down = flags != 0, .dropped = (flags & kQueueImmediate) != 0});
    visible_.Leave();
  }

 private:
  // Spill files of a queue that no sweep can see are removed by the next one.
  Opened visible_;
  SharedWithChildren<Ledger> ledger_;
  RingSegment segment_;
  RingMember me_;
  Actor actor_;
  const Scenario& scenario_;
  std::optional<Victim> victim_;
  bool fed_ = false, stopped_ = false, held_room_ = false;
};

// Stopped at the same time.
constexpr size_t kMany = 60;

struct Figures {
  uint64_t points = 0, held_room = 0;
};

void CheckAndContinue(std::vector<std::unique_ptr<Stopped>>& many, Figures& figures) {
  if (many.empty()) return;
  for (const auto& one : many) one->OthersGoOn();
  LetAPauseBe();
  for (const auto& one : many) {
    one->IsNotDead();
    one->OthersGoOn();
    figures.points++;
    figures.held_room += one->held_room() ? 1 : 0;
    one->Continue();
  }
  many.clear();
}

TEST(stopped_at_every_point_is_not_dead) {
  const uint64_t seed = FreshSeed();
  const uint64_t step = OneOf(1, 4);
  Figures figures;
  std::vector<std::unique_ptr<Stopped>> many;
  for (const Scenario& scenario : kScenarios) {
    // The first is one that everybody passes.
    uint64_t stopped = 0;
    for (uint64_t k = 1;; k += k == 1 ? 1 + seed % step : step) {
      auto one = std::make_unique<Stopped>(scenario, k, "visible." + std::to_string(many.size()));
      if (!one->stopped()) {
        one->Close();
        break;
      }
      many.push_back(std::move(one));
      stopped++;
      if (many.size() == kMany) CheckAndContinue(many, figures);
    }
    printf("%s: %llu stop points\n", scenario.name, static_cast<unsigned long long>(stopped));
    CHECK(stopped > 0);
  }
  CheckAndContinue(many, figures);
  printf("total: %llu stop points, %llu of them with room in hand\n", static_cast<unsigned long long>(figures.points),
         static_cast<unsigned long long>(figures.held_room));
  CHECK(figures.held_room > 0);
}

}  // namespace
}  // namespace multiproc
