// The list of this process's threads, while some of them end.

#include "platform/thread_list.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <thread>
#include <vector>

#include "check.h"

namespace multiproc {
namespace {

int OwnNumber() { return static_cast<int>(syscall(SYS_gettid)); }

TEST(a_thread_is_listed_whoever_ends_meanwhile) {
  constexpr int kRounds = 40, kEnding = 100;
  uint64_t looks = 0;
  for (int round = 0; round < kRounds; round++) {
    std::atomic<int> left{kEnding}, number{0};
    std::atomic<bool> may_end{false}, over{false};
    // Those that end are listed before the one that stays.
    std::vector<std::thread> ending;
    for (int i = 0; i < kEnding; i++) {
      ending.emplace_back([&] {
        may_end.wait(false);
        left--;
      });
    }
    std::thread staying([&] {
      number = OwnNumber();
      number.notify_one();
      over.wait(false);
    });
    number.wait(0);
    may_end = true;
    may_end.notify_all();
    // Also while the last ones go.
    for (int more = 0; more < 4; more += left == 0 ? 1 : 0) {
      std::set<int> threads;
      CHECK(ListThreads(&threads));
      CHECK(threads.contains(number));
      CHECK(threads.contains(OwnNumber()));
      looks++;
    }
    for (std::thread& thread : ending) thread.join();
    over = true;
    over.notify_one();
    staying.join();
  }
  CHECK(looks > kRounds);
}

TEST(a_thread_that_has_ended_is_not_there) {
  int number = 0;
  std::thread([&] { number = OwnNumber(); }).join();
  // The kernel lists it for a moment longer than it can be joined.
  while (HasThread(number)) std::this_thread::yield();
  std::set<int> threads;
  CHECK(ListThreads(&threads));
  CHECK(!threads.contains(number));
  CHECK(HasThread(OwnNumber()));
}

}  // namespace
}  // namespace multiproc
