// An arena whose creator is killed, or stopped, at every shared write and system call of making objects, letting go of
// them and using their memory again, while 0, 1 or 3 others take the objects it names and use another one of its.

#include <list>
#include <optional>

#include "arena_creator.h"
#include "child.h"
#include "core/lock.h"
#include "pause.h"
#include "ring_messages.h"

namespace multiproc {
namespace {

struct Board {
  std::atomic<uint64_t> lock{0};    // the object that stays: offset << 32 | generation
  std::atomic<uint64_t> newest{0};  // the last one made
  std::atomic<uint64_t> begun{0}, rounds{0}, over{0};
  std::atomic<uint64_t> taken{0}, gone{0};  // attempts of others to take the newest
};

uint64_t NameOf(const Block& block) { return block.offset() << 32 | block.generation(); }
bool Attach(ArenaMember& member, uint64_t name, Block* out) {
  return member->Attach(name >> 32, static_cast<uint32_t>(name), out);
}

// Every object says in its memory which one it is, before others learn of it.
Block MakeOne(ArenaMember& member, Board& board, uint64_t bytes) {
  const Block block = member->Allocate(Bytes(bytes, "meta"));
  CHECK(Valid(block));
  const uint64_t name = NameOf(block);
  memcpy(block.data(), &name, sizeof name);
  board.newest = name;
  return block;
}
void CheckIsItself(const Block& block, uint64_t name) {
  uint64_t text;
  memcpy(&text, block.data(), sizeof text);
  CHECK_EQ(text, name);
  CHECK(block.meta() == "meta");
}

void MakeAnew(ArenaMember& member, Board& board) {
  for (const uint64_t bytes : {64, 2000}) MakeOne(member, board, bytes);
}
// What it lets go of is used again at once, or once the others have let go of it.
void MakeOfTheSameMemory(ArenaMember& member, Board& board) {
  for (int i = 0; i < 4; i++) member->Detach(MakeOne(member, board, 64));
}

struct Plan {
  const char* name;
  void (*act)(ArenaMember& creator, Board& board);
};
constexpr Plan kPlans[] = {{"objects made anew", MakeAnew}, {"memory used again", MakeOfTheSameMemory}};

class Scene {
 public:
  Scene(const Plan& plan, uint64_t k, uint32_t others, bool stop) : me_(segment_) {
    me_.Join();
    creator_.emplace([&, k, others, stop] {
      Creator creator(segment_);
      board_->lock = NameOf(creator->Allocate(Of(ObjectKind::kRLock)));
      while (board_->begun < others) sched_yield();
      fault::Arm(k, stop);
      plan.act(creator, *board_);
      fault::Arm(0, false);
    });
    while (board_->lock == 0) sched_yield();
    CHECK(Attach(me_, board_->lock, &lock_));
    for (uint32_t i = 0; i < others; i++) others_.emplace_back([this] { Accompany(); });
  }

  bool AwaitStop() {
    stopped_ = creator_->AwaitStop();
    ended_ = !stopped_;
    rounds_ = board_->rounds;
    return stopped_;
  }
  bool stopped() const { return stopped_; }
  // The others wait for nothing.
  void CheckInPause() {
    CHECK_EQ(me_.ReapAll(), 0);
    CHECK(!creator_->HasChanged());
    while (board_->rounds < rounds_ + 2 * others_.size()) sched_yield();
    CHECK_EQ(segment_.poisoned()->Load(std::memory_order_relaxed), 0);
  }
  void Continue() {
    if (stopped_) creator_->Continue();
  }
  // True if it was killed.
  bool AwaitEnd() {
    const int end = ended_ ? 0 : creator_->Wait();
    if (end != 0) CHECK_EQ(end, -SIGKILL);
    board_->over = 1;
    for (Child& other : others_) CHECK_EQ(other.Wait(), 0);
    me_.ReapAll();
    CHECK_EQ(me_.ReapAll(), 0);
    // What stays is whole, what was begun is not there, and what goes is forgotten.
    CHECK_EQ(Lock(lock_).TryEnter(), kOk);
    CHECK_EQ(Lock(lock_).Exit(), kOk);
    Block newest;
    if (board_->newest != 0 && Attach(me_, board_->newest, &newest)) CheckIsItself(newest, board_->newest);
    // The next one in the same memory, if it came so far that it can be taken.
    Block next;
    if (board_->newest != 0 && Attach(me_, board_->newest + 1, &next)) CHECK(next.meta() == "meta");
    CHECK(me_->CountAlive() >= 1);
    CHECK_EQ(segment_.poisoned()->Load(std::memory_order_relaxed), 0);
    return end != 0;
  }
  const Board& board() const { return *board_; }

 private:
  void Accompany() {
    ArenaMember member(segment_);
    member.Join();
    Block lock;
    CHECK(Attach(member, board_->lock, &lock));
    board_->begun++;
    for (int more = 3; more > 0; more -= board_->over != 0 ? 1 : 0) {
      Block block;
      const uint64_t name = board_->newest;
      if (name != 0 && Attach(member, name, &block)) {
        // As long as we have it, it is no other one.
        CheckIsItself(block, name);
        sched_yield();
        CheckIsItself(block, name);
        member->Detach(block);
        board_->taken++;
      } else if (name != 0) {
        board_->gone++;
      }
      const Status status = Lock(lock).TryEnter();
      CHECK(status == kOk || status == kAgain);
      if (status == kOk) CHECK_EQ(Lock(lock).Exit(), kOk);
      board_->rounds++;
      if (board_->rounds > 200) {
        const timespec nap = {0, 500'000};
        nanosleep(&nap, nullptr);  // leaves the processors to the other scenes; nothing depends on how long
      }
    }
  }

  SharedWithChildren<Board> board_;
  ArenaSegment segment_{8, 16384};
  ArenaMember me_;
  Block lock_;
  std::optional<Child> creator_;
  std::list<Child> others_;
  bool stopped_ = false, ended_ = false;
  uint64_t rounds_ = 0;
};

// Contention makes the number of points vary: on until so many in a row were not met.
constexpr uint64_t kGotBy = 6;
constexpr size_t kMany = 40;

void Everywhere(bool stop) {
  uint64_t points = 0, taken = 0, gone = 0;
  for (const Plan& plan : kPlans) {
    for (const uint32_t others : {0, 1, 3}) {
      uint64_t here = 0, got_by = 0;
      for (uint64_t k = 1; got_by < kGotBy;) {
        std::list<Scene> scenes;
        for (size_t i = 0; i < kMany; i++) scenes.emplace_back(plan, k++, others, stop);
        if (stop) {
          for (Scene& scene : scenes) scene.AwaitStop();
          LetAPauseBe();
          for (Scene& scene : scenes) {
            if (scene.stopped()) scene.CheckInPause();
          }
          for (Scene& scene : scenes) scene.Continue();
        }
        for (Scene& scene : scenes) {
          const bool killed = scene.AwaitEnd();
          CHECK(!(stop && killed));
          got_by = killed || scene.stopped() ? 0 : got_by + 1;
          here += got_by == 0 ? 1 : 0;
          taken += scene.board().taken;
          gone += scene.board().gone;
        }
      }
      printf("%s: %s at %llu points beside %u\n", plan.name, stop ? "stopped" : "killed",
             static_cast<unsigned long long>(here), others);
      CHECK(here > 10);
      points += here;
    }
  }
  printf("others took an object %llu times, and came too late %llu times\n", static_cast<unsigned long long>(taken),
         static_cast<unsigned long long>(gone));
  CHECK(taken > 0 && gone > 0);
  printf("arenas' creators: %llu %s points\n", static_cast<unsigned long long>(points), stop ? "stop" : "kill");
}

TEST(a_creator_that_dies_leaves_whole_objects_only) { Everywhere(false); }

TEST(nobody_waits_for_a_stopped_creator) { Everywhere(true); }

}  // namespace
}  // namespace multiproc
