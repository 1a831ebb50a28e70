// EndsScene: a pipe's ring, one of whose users is killed or stopped while it opens an end, uses and closes it, beside
// users of both ends.
#pragma once

#include <list>
#include <optional>

#include "pause.h"
#include "ring_actor.h"

namespace multiproc {

// From the opening on; or it has the end already, and we have not.
enum class Life { kWhole, kLast };

struct EndsPlan {
  const char* name;
  Ring::End end;  // of the victim
  Life life;
};

inline const EndsPlan kEndsPlans[] = {
    {"send, from opening to closing", Ring::kSending, Life::kWhole},
    {"send and close as the last", Ring::kSending, Life::kLast},
    {"receive, from opening to closing", Ring::kReceiving, Life::kWhole},
    {"receive and close as the last", Ring::kReceiving, Life::kLast},
};

inline Ring::End Opposite(Ring::End end) { return end == Ring::kSending ? Ring::kReceiving : Ring::kSending; }

// What the processes note, outside of the library.
struct EndsBoard {
  static constexpr uint32_t kActors = 6, kMost = 20'000;
  // Of each message, by its producer: its put was called; returned; times copied out and released, and by the victim.
  struct Message {
    std::atomic<uint8_t> began, ended, got, in_victims_hand;
  };
  EndsBoard() {}  // leaves the messages as the kernel zeroed them

  std::atomic<uint32_t> ready{0};        // others that have their end
  std::atomic<uint32_t> users{0};        // others, and we, who have the victim's end
  std::atomic<uint32_t> victim_open{0};  // the victim has opened it, and has not begun to close it
  std::atomic<pid_t> victim_pid{0};
  std::atomic<uint32_t> close{0};   // the others at the victim's end are to close it
  std::atomic<int64_t> gone_at{0};  // when the last one had gone
  std::atomic<int64_t> longest{0};  // nanoseconds after which somebody was told, at most
  std::atomic<uint64_t> late{0};    // messages behind a younger one of their producer
  std::atomic<uint64_t> told{0};    // actors that saw the end
  std::atomic<uint64_t> acts[kActors] = {};
  Message messages[kActors][kMost];
};

// Has the process been killed, by the word of the kernel? (PF_EXITING is set before it lets go of any lock.)
inline bool IsEnding(pid_t pid) {
  constexpr unsigned kExiting = 4;
  char path[40], text[256] = {};
  snprintf(path, sizeof path, "/proc/%d/stat", pid);
  const Descriptor file(open(path, O_RDONLY | O_CLOEXEC));
  if (!file.valid() || read(file.get(), text, sizeof text - 1) <= 0) return true;
  const char* rest = strrchr(text, ')');
  char state = 0;
  unsigned flags = 0;
  CHECK(rest != nullptr && sscanf(rest, ") %c %*d %*d %*d %*d %*d %u", &state, &flags) == 2);
  return state == 'Z' || (flags & kExiting) != 0;
}

// One process of a scene.
class EndUser {
 public:
  static constexpr uint32_t kMe = 0, kVictim = 1;
  static constexpr uint32_t kVictimSlot = 1;

  EndUser(RingMember& member, EndsBoard& board, uint32_t number, Ring::End watched)
      : member_(member), board_(board), number_(number), watched_(watched) {}

  // kOk, kShutDown (nobody is left at the other end), kClosed (this one is to close).
  Status Send() {
    const uint32_t serial = next_++;
    CHECK(serial < EndsBoard::kMost);
    Claim claim;
    const Status status = Await(Ring::kSpace, Ring::kSending, [&] { return member_->TryReserve(kBytes, &claim); });
    if (status != kOk) return status;
    board_.messages[number_][serial].began++;
    const uint32_t text[2] = {number_, serial};
    memcpy(claim.bytes, text, sizeof text);
    CHECK_EQ(member_->Commit(claim.position, kBytes, 0), kOk);
    board_.messages[number_][serial].ended++;
    return Acted();
  }
  Status Receive() {
    Claim claim;
    const Status status = Await(Ring::kData, Ring::kReceiving, [&] { return member_->TryClaim(UINT64_MAX, &claim); });
    if (status != kOk) return status;
    uint32_t text[2];
    memcpy(text, claim.bytes, sizeof text);
    CHECK(text[0] < EndsBoard::kActors && text[1] < EndsBoard::kMost);
    EndsBoard::Message& message = board_.messages[text[0]][text[1]];
    CHECK_EQ(message.began.load(), 1);
    if (text[1] < newest_[text[0]]) board_.late++;
    newest_[text[0]] = std::max(newest_[text[0]], text[1]);
    if (number_ == kVictim) message.in_victims_hand++;
    CHECK_EQ(member_->Release(claim.position), kOk);
    message.got++;
    return Acted();
  }
  Status Act(Ring::End end) { return end == Ring::kSending ? Send() : Receive(); }
  RingMember& member() { return member_; }

 private:
  static constexpr uint64_t kBytes = 40;

  Status Acted() {
    board_.acts[number_]++;
    return kOk;
  }
  // As the library waits at a ring with ends: after each slice it looks for all dead.
  template <typename Attempt>
  Status Await(Ring::WaitQueueIndex which, Ring::End end, Attempt attempt) {
    const int64_t began = MachineNanos(), delay = run_delay_.Nanos();
    const bool closes = number_ > kVictim && end == watched_;
    Status status;
    do {
      status =
          member_->Block(which, spin_, kSliceNanos, [&] { return closes && board_.close != 0 ? kClosed : attempt(); });
      if (status == kAgain) member_.ReapAll();
    } while (status == kAgain);
    CHECK(status == kOk || status == kShutDown || status == kClosed);
    if (status == kShutDown) CheckEnd(began, delay);
    return status;
  }
  // Not before the last one has gone, and within a second after that, without the time in which this thread had no
  // processor.
  void CheckEnd(int64_t began, int64_t delay) {
    CHECK(number_ != kVictim);
    CHECK_EQ(board_.users.load(), 0);
    CHECK(board_.victim_open == 0 || IsEnding(board_.victim_pid));
    board_.told++;
    const int64_t gone_at = board_.gone_at;
    if (gone_at == 0) return;
    const int64_t fair = MachineNanos() - std::max(began, gone_at) - (run_delay_.Nanos() - delay);
    CHECK(fair < Actor::kPromise);
    int64_t longest = board_.longest;
    while (fair > longest && !board_.longest.compare_exchange_weak(longest, fair)) continue;
  }

  RingMember& member_;
  EndsBoard& board_;
  const uint32_t number_;
  const Ring::End watched_;  // the victim's
  const RunDelay run_delay_;
  SpinBudget spin_{false};
  uint32_t next_ = 0;
  uint32_t newest_[EndsBoard::kActors] = {};
};

class EndsScene {
 public:
  // Others: none (we are at the opposite end), one at the opposite end, or two there and one at the victim's.
  EndsScene(const EndsPlan& plan, uint64_t k, uint32_t others, bool stop)
      : plan_(plan), opposite_(Opposite(plan.end)), me_(segment_), user_(me_, *board_, EndUser::kMe, plan.end) {
    me_.Join();
    me_->OpenEnd(opposite_);
    me_->OpenEnd(plan.end);
    board_->users = 1;
    // Something to receive.
    for (int i = 0; i < 4; i++) CHECK_EQ(user_.Send(), kOk);
    victim_.emplace([this, k, stop] { Suffer(k, stop); });
    opened_.Pass();
    for (uint32_t i = 0; i < others; i++)
      others_.emplace_back([this, i] { Accompany(2 + i, i == 2 ? plan_.end : opposite_); });
    while (board_->ready < others) sched_yield();
    if (plan.life == Life::kLast) CloseOurs();
    go_.Open();
  }

  // Stop mode: did it stop?
  bool AwaitStop() {
    stopped_ = victim_->AwaitStop();
    ended_ = !stopped_;
    for (uint32_t i = 0; i < others_.size(); i++) before_.push_back(board_->acts[2 + i]);
    return stopped_;
  }
  bool stopped() const { return stopped_; }
  // Nobody is told of an end, or takes it for dead.
  void CheckInPause() {
    CHECK_EQ(me_.ReapAll(), 0);
    CHECK(!victim_->HasChanged());
    if (board_->victim_open != 0 || board_->users != 0) {
      CHECK_EQ(board_->told.load(), 0);
      CHECK(me_->HasUsers(plan_.end));
    }
    // Two at one end and one at the other go on, unless the room behind what it holds is used up.
    for (uint32_t i = 0; others_.size() == 3 && i < 3; i++) {
      while (board_->acts[2 + i] == before_[i] && me_->Busy().empty()) sched_yield();
    }
  }
  void Continue() {
    if (stopped_) victim_->Continue();
  }
  // True if it was killed.
  bool AwaitEnd() {
    const int end = AwaitVictim();
    if (ours_) CloseOurs();
    board_->close = 1;
    me_->registry().RingEverybody();
    for (uint32_t i = 0; i < others_.size(); i++) {
      if (i == 2) CHECK_EQ(AwaitOther(i), 0);
    }
    board_->gone_at = MachineNanos();
    for (uint32_t i = 0; i < others_.size() && i < 2; i++) CHECK_EQ(AwaitOther(i), 0);
    // Those who were there are all told, and so are we.
    while (user_.Act(opposite_) == kOk) continue;
    CHECK_EQ(board_->told.load(), 1 + std::min<size_t>(others_.size(), 2));
    Balance(end != 0);
    return end != 0;
  }
  int64_t longest() const { return board_->longest; }

 private:
  int AwaitVictim() {
    if (ended_) return 0;
    const int end = victim_->Wait();
    if (end != 0) CHECK_EQ(end, -SIGKILL);
    return end;
  }
  int AwaitOther(uint32_t i) { return std::next(others_.begin(), i)->Wait(); }
  void CloseOurs() {
    ours_ = false;
    board_->users--;
    me_->CloseEnd(plan_.end);
  }
  void Suffer(uint64_t k, bool stop) {
    RingMember member(segment_);
    member.Join();
    CHECK_EQ(member.self(), EndUser::kVictimSlot);
    EndUser user(member, *board_, EndUser::kVictim, plan_.end);
    const auto open = [&] {
      member->OpenEnd(plan_.end);
      board_->victim_open = 1;
    };
    board_->victim_pid = getpid();
    if (plan_.life == Life::kLast) open();
    opened_.Open();
    go_.Pass();
    fault::Arm(k, stop);
    if (plan_.life == Life::kWhole) open();
    for (int i = 0; i < 2; i++) CHECK_EQ(user.Act(plan_.end), kOk);
    board_->victim_open = 0;
    member->CloseEnd(plan_.end);
    fault::Arm(0, false);
  }
  void Accompany(uint32_t number, Ring::End end) {
    RingMember member(segment_);
    member.Join();
    EndUser user(member, *board_, number, plan_.end);
    member->OpenEnd(end);
    if (end == plan_.end) board_->users++;
    board_->ready++;
    for (;;) {
      const Status status = user.Act(end);
      if (status == kShutDown) break;
      if (end == plan_.end && (status == kClosed || board_->close != 0)) break;
      // Leaves the processors to the other scenes; nothing depends on how long.
      const timespec nap = {0, 1'000'000};
      nanosleep(&nap, nullptr);
    }
    if (end == plan_.end) board_->users--;
    member->CloseEnd(end);
  }
  // Committed = received + what we find; nothing twice, no end left behind.
  void Balance(bool killed) {
    me_.ReapAll();
    CHECK_EQ(me_.ReapAll(), 0);
    CHECK(!me_->HasUsers(plan_.end));
    me_->OpenEnd(Ring::kReceiving);
    me_->OpenEnd(Ring::kSending);
    while (me_->Size() > 0) CHECK_EQ(user_.Receive(), kOk);
    CHECK(me_->Busy().empty());
    CHECK(board_->late <= (killed ? 1 : 0));
    for (uint32_t a = 0; a < EndsBoard::kActors; a++) {
      for (const EndsBoard::Message& message : board_->messages[a]) {
        if (message.began == 0) break;
        CHECK(message.got <= 1);
        if (message.ended == 0) CHECK(killed && a == EndUser::kVictim);
        if (message.ended == 1 && message.got == 0) CHECK(killed && message.in_victims_hand == 1);
      }
    }
    CHECK_EQ(segment_.poisoned()->Load(std::memory_order_relaxed), 0);
  }

  const EndsPlan& plan_;
  const Ring::End opposite_;
  SharedWithChildren<EndsBoard> board_;
  RingSegment segment_{{.start = 58}};
  RingMember me_;
  EndUser user_;
  Gate opened_, go_;
  std::optional<Child> victim_;
  std::list<Child> others_;
  std::vector<uint64_t> before_;
  bool stopped_ = false, ended_ = false, ours_ = true;
};

}  // namespace multiproc
