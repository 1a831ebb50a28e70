// Children that are threads: who knows of their end, how they began, and who finds them.

#include "core/child_thread.h"

#include <set>
#include <thread>

#include "check.h"
#include "core/blocking.h"
#include "platform/clock.h"

namespace multiproc {
namespace {

constexpr int64_t kLong = 60'000'000'000;

std::shared_ptr<ChildThread> Planned(int* number = nullptr) {
  int unwanted;
  return ChildThread::Plan(number == nullptr ? &unwanted : number);
}

// One that has begun.
std::shared_ptr<ChildThread> Running() {
  const auto child = Planned();
  CHECK(child->Begin());
  return child;
}

bool HasEnded(ChildThread& child, ProgramEnd* end = nullptr) {
  ProgramEnd unwanted;
  return child.WaitForEnd(0, end == nullptr ? &unwanted : end);
}

TEST(a_thread_has_ended_when_it_says_so_and_with_the_code_it_said_before) {
  const auto child = Planned();
  CHECK(!HasEnded(*child));
  CHECK(child->Begin());
  CHECK(!HasEnded(*child));
  child->SayCode(7);
  CHECK(!HasEnded(*child));
  child->End();
  // Whoever asks, and how often.
  for (int i = 0; i < 2; i++) {
    ProgramEnd end{};
    CHECK(HasEnded(*child, &end));
    CHECK_EQ(end.code, 7);
    CHECK_EQ(end.signal, 0);
  }
}

TEST(a_thread_that_says_no_code_has_none) {
  const auto child = Running();
  child->End();
  ProgramEnd end{};
  CHECK(HasEnded(*child, &end));
  CHECK_EQ(end.code, kNoCode);
}

TEST(one_that_is_called_off_before_it_begins_has_ended_and_never_begins) {
  const auto child = Planned();
  child->CallOff();
  ProgramEnd end{};
  CHECK(HasEnded(*child, &end));
  CHECK_EQ(end.code, kNoCode);
  CHECK(!child->Begin());
  CHECK(HasEnded(*child));
}

TEST(one_that_has_begun_cannot_be_called_off) {
  const auto child = Running();
  child->CallOff();
  CHECK(!HasEnded(*child));
  child->End();
  CHECK(HasEnded(*child));
}

TEST(nobody_begins_twice) { CHECK(!Running()->Begin()); }

TEST(beginning_and_calling_off_at_the_same_time_one_wins) {
  int begun = 0;
  for (int i = 0; i < 2000; i++) {
    const auto child = Planned();
    std::atomic<int> ready{0};
    const auto meet = [&] {
      ready++;
      while (ready < 2) continue;
    };
    std::thread other([&] {
      meet();
      child->CallOff();
    });
    meet();
    const bool began = child->Begin();
    other.join();
    CHECK_EQ(HasEnded(*child), !began);
    begun += began ? 1 : 0;
  }
  printf("began %d times of 2000\n", begun);
}

TEST(all_who_wait_are_woken_by_the_end_and_know_the_code) {
  const auto child = Running();
  std::atomic<int> waiting{0}, told{0};
  std::vector<std::thread> waiters;
  for (int i = 0; i < 4; i++) {
    waiters.emplace_back([&] {
      ProgramEnd end{};
      waiting++;
      if (child->WaitForEnd(kLong, &end) && end.code == 3) told++;
    });
  }
  while (waiting < 4) std::this_thread::yield();
  child->SayCode(3);
  child->End();
  for (std::thread& waiter : waiters) waiter.join();
  CHECK_EQ(told.load(), 4);
}

TEST(who_waits_is_told_when_it_is_called_off) {
  const auto child = Planned();
  std::thread other([&] { child->CallOff(); });
  ProgramEnd end{};
  CHECK(child->WaitForEnd(kLong, &end));
  other.join();
}

TEST(a_wait_for_one_that_runs_takes_as_long_as_it_may) {
  const auto child = Running();
  const int64_t began = MonotonicNanos();
  ProgramEnd end{};
  CHECK(!child->WaitForEnd(20'000'000, &end));
  CHECK(MonotonicNanos() - began >= 20'000'000);
}

// The watch of a child for whom somebody sleeps; false where nobody would have been woken.
bool Wakes(const FutexWatch& watch) {
  return FutexWaitMany(&watch, 1, MonotonicNanos() + kLong) != FutexResult::kTimedOut;
}

TEST(who_sleeps_on_its_word_beside_others_is_woken_by_its_end) {
  const auto child = Running();
  const FutexWatch watch = child->Watched();
  std::thread other([&] { child->End(); });
  while (!HasEnded(*child)) CHECK(Wakes(watch));
  other.join();
}

TEST(nobody_sleeps_on_the_word_of_one_that_has_ended_since_the_last_look) {
  for (const bool begins : {true, false}) {
    const auto child = Planned();
    if (begins) CHECK(child->Begin());
    // A look that finds it running, its end, and only then the sleep.
    CHECK(!HasEnded(*child));
    if (begins)
      child->End();
    else
      child->CallOff();
    CHECK(Wakes(child->Watched()));
  }
}

TEST(one_is_found_by_its_number_as_long_as_anybody_knows_it) {
  int number = 0;
  auto child = Planned(&number);
  CHECK(number < 0);
  CHECK(ChildThread::Find(number) == child);
  CHECK(ChildThread::Find(number - 1) == nullptr);
  CHECK(ChildThread::Find(0) == nullptr);
  CHECK(ChildThread::Find(1) == nullptr);
  child.reset();
  CHECK(ChildThread::Find(number) == nullptr);
  int next = 0;
  child = Planned(&next);
  // Its number is not given away again: who still has it would end another one.
  CHECK(next != number);
  CHECK(ChildThread::Find(number) == nullptr);
}

TEST(threads_that_plan_at_the_same_time_get_numbers_of_their_own) {
  constexpr int kThreads = 4, kEach = 500;
  std::vector<std::set<int>> numbers(kThreads);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; t++) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kEach; i++) {
        int number = 0;
        const auto child = Planned(&number);
        numbers[t].insert(number);
        if (ChildThread::Find(number) != child) abort();
      }
    });
  }
  std::set<int> all;
  for (int t = 0; t < kThreads; t++) {
    threads[t].join();
    all.insert(numbers[t].begin(), numbers[t].end());
  }
  CHECK_EQ(all.size(), kThreads * kEach);
}

// A thread that goes when told.
struct Idle {
  std::atomic<bool> over{false};
  std::thread thread{[this] {
    while (!over) std::this_thread::yield();
  }};
  ~Idle() { Go(); }
  void Go() {
    over = true;
    if (thread.joinable()) thread.join();
  }
};

TEST(one_whose_thread_goes_without_beginning_has_ended) {
  Idle before;
  const auto child = Planned();
  Idle idle;
  child->Started();
  Idle later;
  CHECK(!HasEnded(*child));
  idle.Go();
  // The kernel lists it for a moment longer than it can be joined.
  ProgramEnd end{};
  while (!child->WaitForEnd(1'000'000, &end)) continue;
  CHECK_EQ(end.code, kNoCode);
  CHECK(!child->Begin());
}

TEST(one_whose_thread_has_gone_before_anybody_looked_has_ended) {
  const auto child = Planned();
  child->Started();
  CHECK(HasEnded(*child));
}

TEST(one_for_which_no_thread_was_started_yet_has_not_ended) { CHECK(!HasEnded(*Planned())); }

TEST(a_thread_of_somebody_else_started_at_the_same_time_delays_that_and_does_not_feign_it) {
  // With the first thread a sanitizer's runtime starts one of its own, which stays: here it is there before.
  std::thread([] {}).join();
  const auto child = Planned();
  Idle own, other;
  child->Started();
  other.Go();
  CHECK(!HasEnded(*child));
  own.Go();
  ProgramEnd end{};
  while (!child->WaitForEnd(1'000'000, &end)) continue;
}

TEST(one_that_has_begun_ends_when_it_says_so_and_not_when_its_thread_goes) {
  const auto child = Planned();
  std::thread thread([&] { CHECK(child->Begin()); });
  child->Started();
  thread.join();
  ProgramEnd end{};
  for (int i = 0; i < 20; i++) CHECK(!child->WaitForEnd(1'000'000, &end));
  child->End();
  CHECK(HasEnded(*child));
}

TEST(signals_do_nothing_to_it) {
  const auto child = Running();
  CHECK_EQ(child->Signal(SIGKILL), 0);
  CHECK(!HasEnded(*child));
}

}  // namespace
}  // namespace multiproc
