// WaiterThread: sleeps on doorbells on behalf of an event loop, which must never block.
//
// Guarantee      A ring of a watched doorbell, from the moment at which its value given to Watch was read, leads to a
//                call of `notify(false)`. While anything is watched, `notify(true)` is called at the end of every
//                slice.
// Blocking       Watch and Unwatch never; Stop until the thread has ended.
// Process death  The thread dies with the process; a doorbell is only a number.
// Memory order   ORDER(doorbell): see blocking.h; here the expected value is the last one that was reported.
// Failure        A thread that the system does not grant (EAGAIN: a limit of processes or memory) is an errno of the
//                call that needed it; what is watched already stays watched.
// Limits         One thread watches as many doorbells as one system call can (127, or 1 before Linux 5.16);
//                WaiterThreads adds threads.
#pragma once

#include <pthread.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "core/shared_word.h"
#include "platform/mapping.h"

namespace multiproc {

class WaiterThread {
 public:
  using Notify = std::function<void(bool slice)>;

  explicit WaiterThread(Notify notify) : notify_(std::move(notify)) {}
  ~WaiterThread();
  WaiterThread(const WaiterThread&) = delete;
  WaiterThread& operator=(const WaiterThread&) = delete;

  // Starts the thread, before anything else is asked of it. 0 or errno.
  int Start();
  // Watches the doorbell; `seen` is a value read from it before the last look at the condition. False if there is no
  // room.
  bool Watch(Shared<uint32_t>* bell, uint32_t seen, const std::shared_ptr<Mapping>& memory);
  // True if this thread watched it.
  bool Unwatch(Shared<uint32_t>* bell);

 private:
  struct Entry {
    Shared<uint32_t>* bell;
    uint32_t reported;
    std::shared_ptr<Mapping> memory;  // keeps the word mapped while the kernel may look at it
    bool wanted;                      // an unwanted entry stays until its doorbell rings: parking again is then free
  };

  void Run();
  void Interrupt();
  static size_t Room();

  Notify notify_;
  std::mutex mutex_;
  std::vector<Entry> entries_;
  bool stopping_ = false;
  bool idle_ = true;  // nothing wanted at the thread's last look: it sleeps without slices
  // Changed to make the thread look at its entries again. Private memory, used as a futex word like the doorbells.
  Shared<uint32_t> control_{};
  pthread_t thread_{};
  bool started_ = false;
};

// As many WaiterThreads as the watched doorbells need; none before the first.
class WaiterThreads {
 public:
  explicit WaiterThreads(WaiterThread::Notify notify) : notify_(std::move(notify)) {}
  // 0, or errno when it takes a further thread that cannot be started: then the doorbell is not watched.
  int Watch(Shared<uint32_t>* bell, uint32_t seen, const std::shared_ptr<Mapping>& memory);
  void Unwatch(Shared<uint32_t>* bell);
  void Stop() { threads_.clear(); }

 private:
  WaiterThread::Notify notify_;
  std::vector<std::unique_ptr<WaiterThread>> threads_;
};

}  // namespace multiproc
