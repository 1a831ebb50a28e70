// MutexRing: a queue of variable-size messages under one robust process-shared pthread mutex; the baseline and the
// oracle.
//
// Guarantee      Exactly once, FIFO over all producers. Head and tail are the whole state; each operation changes one
//                of them by one store, so whatever a dead owner of the mutex left is a state before or after its
//                operation.
// Blocking       Put waits for room and Get for a message until the CLOCK_MONOTONIC deadline: first polling, then on
//                a futex.
// Process death  Of the mutex's owner: the next owner is told by the mutex and goes on. Of a woken waiter: the
//                others' sleeps are cut into slices. A dead waiter stays counted, which costs wakes that find nobody.
// Memory order   The mutex orders everything; the loads outside it are hints for polling. Independent of the core on
//                purpose: nothing but the futex call is shared with what it is compared to.
#pragma once

#include <pthread.h>

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace multiproc::bench {

class MutexRing {
 public:
  static constexpr int64_t kTimedOut = -1;
  static constexpr int64_t kNoRoom = -2;  // the receiver's memory is too small; nothing consumed

  // Bytes of shared memory for `capacity` bytes of messages and their headers. REQUIRES: capacity is a power of two.
  static size_t BytesFor(uint64_t capacity) { return sizeof(MutexRing) + capacity; }

  // Constructs in `memory`, which is shared and zeroed; every process uses the ring at its own address of it.
  static MutexRing* Create(void* memory, uint64_t capacity);

  // REQUIRES: length + 4 <= capacity. False when the deadline passed first; then nothing was put.
  bool Put(const void* message, uint32_t length, int64_t deadline);

  // Length of the message, kTimedOut, or kNoRoom.
  int64_t Get(void* into, uint32_t room, int64_t deadline);

  // As many of `count` messages of `length` bytes each, one behind the other, as fit under one lock; 0 after the
  // deadline.
  size_t PutMany(const char* messages, uint32_t length, size_t count, int64_t deadline);

  // As many messages as there are, at most `most`, under one lock. Message i goes to `into + i * room`, its length to
  // lengths[i]. 0 after the deadline, or when the first does not fit `room`.
  size_t GetMany(char* into, uint32_t room, uint32_t* lengths, size_t most, int64_t deadline);

  // Bytes in the ring, headers included.
  uint64_t Used() const { return tail_.load(std::memory_order_acquire) - head_.load(std::memory_order_acquire); }

 private:
  // What waiters of one kind sleep on.
  struct alignas(64) Event {
    std::atomic<uint32_t> version{0};
    uint32_t waiters = 0;  // under the mutex
  };

  static constexpr uint32_t kHeader = sizeof(uint32_t);
  static uint64_t RecordBytes(uint32_t length) { return kHeader + static_cast<uint64_t>(length); }

  void Lock();
  void Unlock();
  // Waits, mutex released meanwhile, until `ready` may hold. Mutex held on entry and exit. False after the deadline.
  template <typename Ready>
  bool WaitFor(Event& event, int64_t deadline, Ready ready);
  // Under the mutex: notes that the event happened. True if Wake must follow once the mutex is released.
  bool Announce(Event& event);
  static void Wake(Event& event, int count);

  void CopyIn(uint64_t at, const void* from, uint64_t length);
  void CopyOut(uint64_t at, void* to, uint64_t length) const;
  uint64_t Room() const {
    return capacity_ - (tail_.load(std::memory_order_relaxed) - head_.load(std::memory_order_relaxed));
  }
  char* data() { return reinterpret_cast<char*>(this + 1); }
  const char* data() const { return reinterpret_cast<const char*>(this + 1); }

  alignas(64) pthread_mutex_t mutex_;
  uint64_t capacity_;
  alignas(64) std::atomic<uint64_t> tail_{0};
  alignas(64) std::atomic<uint64_t> head_{0};
  Event data_event_;
  Event space_event_;
};

}  // namespace multiproc::bench
