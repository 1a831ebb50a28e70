// The ring whose user is killed, or paused, behind every single machine instruction of a put and of a get.
//
// Linked with the core as it ships, without fault points. The counted tests (ring_crash_test.cc) kill at every write to
// shared memory; this one also dies between the bytes of a message and inside the calls, and it does not depend on
// anybody having marked the places.

#include <memory>
#include <optional>

#include "named_segment.h"
#include "ring_balance.h"
#include "ring_view.h"
#include "stepper.h"

namespace multiproc {
namespace {

// Who stands in the way when the victim comes.
enum class Obstacle {
  kNone,
  kUnmovedTail,    // a producer, stopped after its claim: its record is not behind the tail
  kUnmovedHead,    // a consumer that died after its release: its record is still behind the head
  kProducerAhead,  // a producer, stopped after its claim, before any message was put
};

enum class Act { kPut, kGet, kFinish };

struct Scenario {
  const char* name;
  Act act;
  uint64_t length;  // of every message
  int before;       // messages that lie in the ring
  RingShape shape;
  Obstacle obstacle = Obstacle::kNone;
};

constexpr RingShape kPlain{.start = 58};  // what has several lines crosses the wrap of the ring
constexpr RingShape kCounted{.maxsize = 20, .counted = true, .start = 58};
constexpr RingShape kSmall{.start = 64};

const Scenario kPuts[] = {
    {"put 1 line", Act::kPut, 60, 2, kPlain},
    {"put 5 lines across the wrap", Act::kPut, 300, 1, kPlain},
    {"put into a counted ring", Act::kPut, 60, 2, kCounted},
    {"put behind a tail that nobody moved", Act::kPut, 60, 2, kPlain, Obstacle::kUnmovedTail},
    {"put into a full ring whose head nobody moved", Act::kPut, 64, 64, kSmall, Obstacle::kUnmovedHead},
};

const Scenario kGets[] = {
    {"get 1 line", Act::kGet, 60, 2, kPlain},
    {"get 5 lines across the wrap", Act::kGet, 600, 1, kPlain},
    {"get out of a counted ring", Act::kGet, 60, 2, kCounted},
    {"get and count as done", Act::kFinish, 60, 1, kCounted},
    {"get over a record that is being written", Act::kGet, 60, 2, kPlain, Obstacle::kProducerAhead},
    {"get behind a head that nobody moved", Act::kGet, 60, 3, kPlain, Obstacle::kUnmovedHead},
    {"get out of a full ring", Act::kGet, 64, 64, kSmall},
};

// A message whose put the ledger knows to have begun.
struct Message {
  Message(Ledger& ledger, uint64_t length) : id(ledger.next_id++) {
    Ledger::Entry& entry = ledger.entries[id];
    // Whoever may be killed counts as the victim, and of two that are stopped nobody knows who commits first.
    entry.producer = Ledger::kVictim;
    entry.unordered = 1;
    Ledger::Mark(entry.put_began);
    bytes = std::string(reinterpret_cast<const char*>(&id), sizeof id) + Pattern(id, length - sizeof id);
  }
  uint64_t id;
  std::string bytes;
};

void PutIt(Ring& ring, Ledger& ledger, const Message& message) {
  Claim claim;
  CHECK_EQ(ring.TryReserve(message.bytes.size(), &claim), kOk);
  memcpy(claim.bytes, message.bytes.data(), message.bytes.size());
  CHECK_EQ(ring.Commit(claim, message.bytes.size(), 0), kOk);
  Ledger::Mark(ledger.entries[message.id].put_ended);
}

void GetOne(Ring& ring, Ledger& ledger, bool finish) {
  char bytes[1024];
  Claim claim;
  CHECK_EQ(ring.TryClaim(sizeof bytes, &claim), kOk);
  Ring::CopyOut(claim, bytes);
  uint64_t id;
  memcpy(&id, bytes, sizeof id);
  Ledger::Entry& entry = ledger.entries[id];
  Ledger::Mark(entry.claimed);
  Ledger::Mark(entry.victim_copied);
  Ledger::Mark(entry.copied);
  if (finish) {
    Ledger::Mark(entry.finish_began);
    CHECK_EQ(ring.ReleaseDone(claim.position), kOk);
    Ledger::Mark(entry.finish_ended);
  } else {
    ring.Release(claim);
  }
  Ledger::Mark(entry.consumed);
}

// The ways through a scenario, known after its first run.
struct Paths {
  Path obstacle, victim;
};

// A ring, its books, and a process that is stepped through one operation on it.
class Stage {
 public:
  Stage(const Scenario& scenario, Paths& paths)
      : scenario_(scenario),
        paths_(paths),
        segment_(scenario.shape),
        view_(segment_),
        me_(segment_),
        actor_(segment_, me_, *ledger_, Ledger::kMe) {
    me_.Join();
    if (scenario.obstacle == Obstacle::kProducerAhead) StopProducer();
    for (int i = 0; i < scenario.before; i++) CHECK(actor_.TryPut(scenario.length - sizeof(uint64_t)));
    if (scenario.obstacle == Obstacle::kUnmovedTail) StopProducer();
    if (scenario.obstacle == Obstacle::kUnmovedHead) KillConsumer();
    // Someone to wake makes the wake-up part of what is killed.
    for (int q = 0; q < kWaitQueues; q++) me_->Waiters(q).Arm(me_.self());
    StartVictim();
  }

  Stepped& victim() { return *victim_; }
  // What others can do while it stands still: messages come and go, and it is not taken for dead.
  void GoOnWithoutIt() {
    CHECK_EQ(me_.ReapAll(), consumer_died_ ? 1 : 0);
    consumer_died_ = false;
    for (int i = 0; i < 3; i++) {
      // Full, at least the next get must find something; then there is room again unless a reader stands at the head.
      const bool put = actor_.TryPut(scenario_.length - sizeof(uint64_t));
      CHECK(put || static_cast<uint64_t>(scenario_.before) == scenario_.shape.lines);
      CHECK(actor_.TryGet());
    }
  }
  void KillVictim() {
    victim_->Kill();
    killed_ = true;
    CHECK_EQ(me_.ReapAll(), consumer_died_ ? 2 : 1);
    consumer_died_ = false;
  }
  // Settles the rest and checks the books. True if the operation has taken effect.
  bool Balanced(bool obstacle_dies) {
    if (obstacle_) {
      CHECK_EQ(me_.ReapAll(), 0);
      if (obstacle_dies) {
        obstacle_->Kill();
        killed_ = true;
        CHECK_EQ(me_.ReapAll(), 1);
      } else {
        obstacle_->Finish();
        CHECK_EQ(ledger_->entries[stopped_id_].put_ended, 1);
      }
    }
    me_.ReapAll();
    CHECK_EQ(me_.ReapAll(), 0);
    Balance(segment_, me_, *ledger_, actor_, {.killed = killed_});
    const bool in_queue = ledger_->entries[watched_id_].in_queue == 1;
    return scenario_.act == Act::kPut ? in_queue : !in_queue;
  }

 private:
  // Until the record that it claims is there, and no instruction further.
  void StopProducer() {
    const Message message(*ledger_, scenario_.length);
    stopped_id_ = message.id;
    obstacle_.emplace([&](Window& window) {
      RingMember member(segment_);
      member.Join();
      window.Begin();
      PutIt(member.body, *ledger_, message);
      window.End();
    });
    const uint64_t tail = view_.Tail();
    Bring(*obstacle_, [&] { return !view_.IsCurrent(tail, view_.At(tail)); });
    CHECK_EQ(view_.At(tail).state, kWriting);
    CHECK_EQ(view_.Tail(), tail);
  }
  void KillConsumer() {
    Stepped consumer([&](Window& window) {
      RingMember member(segment_);
      member.Join();
      window.Begin();
      GetOne(member.body, *ledger_, false);
      window.End();
    });
    const uint64_t head = view_.Head();
    Bring(consumer, [&] { return view_.At(head).state != kFree; });
    CHECK_EQ(view_.At(head).state, kFree);
    CHECK_EQ(view_.Head(), head);
    consumer.Kill();
    killed_ = true;
    consumer_died_ = true;
  }
  // To the first instruction behind which `before()` holds no more.
  template <typename Before>
  void Bring(Stepped& obstacle, Before before) {
    if (paths_.obstacle.empty())
      paths_.obstacle = obstacle.StepWhile([&] { return obstacle.Inside() && before(); });
    else
      CHECK(obstacle.RunTo(paths_.obstacle, paths_.obstacle.size() - 1));
  }
  void StartVictim() {
    std::optional<Message> message;
    if (scenario_.act == Act::kPut) {
      message.emplace(*ledger_, scenario_.length);
      watched_id_ = message->id;
    } else {
      // The oldest that is there.
      const Chain chain = view_.Records();
      for (const Place& place : chain.places) {
        if (place.record.state != kReady) continue;
        watched_id_ = view_.NumberAt(place.position);
        break;
      }
    }
    victim_.emplace([&](Window& window) {
      RingMember member(segment_);
      member.Join();
      window.Begin();
      if (scenario_.act == Act::kPut)
        PutIt(member.body, *ledger_, *message);
      else
        GetOne(member.body, *ledger_, scenario_.act == Act::kFinish);
      window.End();
    });
  }

  const Scenario& scenario_;
  Paths& paths_;
  RingSegment segment_;
  RingView view_;
  SharedWithChildren<Ledger> ledger_;
  RingMember me_;
  Actor actor_;
  std::optional<Stepped> obstacle_;
  uint64_t stopped_id_ = 0;
  bool consumer_died_ = false;
  bool killed_ = false;      // anybody was
  uint64_t watched_id_ = 0;  // what the victim puts, or what it gets
  std::optional<Stepped> victim_;
};

// Every stop of a child is a turn of the processor, for which a busy machine lets it wait: each scenario has the time
// that others have for a test.
Paths PathsOf(const Scenario& scenario) {
  check::machine_clock->Watch(check::current, check::kWatchdogNanos);
  Paths paths;
  Stage stage(scenario, paths);
  Stepped& victim = stage.victim();
  paths.victim = victim.StepWhile([&] { return victim.Inside(); });
  paths.victim.pop_back();  // behind the operation
  victim.Finish();
  CHECK(stage.Balanced(false));
  return paths;
}

// With the victim behind instruction k.
void SetUp(std::optional<Stage>& stage, const Scenario& scenario, Paths& paths, uint64_t k) {
  stage.emplace(scenario, paths);
  if (stage->victim().RunTo(paths.victim, k)) return;
  stage.emplace(scenario, paths);
  CHECK(stage->victim().StepTo(k));
}

// Killed behind instruction k, for all k: there is one instruction before which nothing has happened, and behind which
// everything has.
void KillAtEveryInstruction(const Scenario& scenario) {
  Paths paths = PathsOf(scenario);
  uint64_t kills = 0, effect_at = 0;
  for (uint64_t k = 0; k < paths.victim.size(); k += kStride) {
    std::optional<Stage> stage;
    SetUp(stage, scenario, paths, k);
    stage->KillVictim();
    const bool effect = stage->Balanced(k % 2 == 0);
    CHECK(effect || effect_at == 0);
    if (effect && effect_at == 0) effect_at = k;
    kills++;
  }
  printf("%s: killed at %llu instructions; takes effect with instruction %llu\n", scenario.name,
         static_cast<unsigned long long>(kills), static_cast<unsigned long long>(effect_at));
  CHECK(kills > 10);
  CHECK(effect_at > 0);
}

// Paused behind instruction k, for all k, while others go on; then it ends by itself, or dies after all.
void PauseAtEveryInstruction(const Scenario& scenario) {
  Paths paths = PathsOf(scenario);
  uint64_t pauses = 0;
  for (uint64_t k = 0; k < paths.victim.size(); k += kStride) {
    std::optional<Stage> stage;
    SetUp(stage, scenario, paths, k);
    stage->GoOnWithoutIt();
    if (k % 4 == 3)
      stage->KillVictim();
    else
      stage->victim().Finish();
    stage->Balanced(k % 2 == 0);
    pauses++;
  }
  printf("%s: paused at %llu instructions\n", scenario.name, static_cast<unsigned long long>(pauses));
  CHECK(pauses > 10);
}

TEST(killed_at_every_instruction_of_a_put) {
  for (const Scenario& scenario : kPuts) KillAtEveryInstruction(scenario);
}

TEST(killed_at_every_instruction_of_a_get) {
  for (const Scenario& scenario : kGets) KillAtEveryInstruction(scenario);
}

TEST(paused_at_every_instruction_of_a_put_while_others_go_on) {
  for (const Scenario& scenario : kPuts) PauseAtEveryInstruction(scenario);
}

TEST(paused_at_every_instruction_of_a_get_while_others_go_on) {
  for (const Scenario& scenario : kGets) PauseAtEveryInstruction(scenario);
}

}  // namespace
}  // namespace multiproc
