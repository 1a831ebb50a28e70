#include "mutex_ring.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <new>

#include "platform/clock.h"
#include "platform/cpu.h"
#include "platform/futex.h"

namespace multiproc::bench {
namespace {

constexpr int64_t kSliceNanos = 250'000'000;
constexpr int64_t kSpinNanos = 20'000;

}  // namespace

MutexRing* MutexRing::Create(void* memory, uint64_t capacity) {
  auto* ring = new (memory) MutexRing;
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
  pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
  pthread_mutex_init(&ring->mutex_, &attributes);
  pthread_mutexattr_destroy(&attributes);
  ring->capacity_ = capacity;
  return ring;
}

void MutexRing::Lock() {
  const int error = pthread_mutex_lock(&mutex_);
  if (error == 0) return;
  // Every state that a dead owner can have left is whole, so there is nothing to repair.
  if (error != EOWNERDEAD || pthread_mutex_consistent(&mutex_) != 0) std::abort();
}

void MutexRing::Unlock() {
  if (pthread_mutex_unlock(&mutex_) != 0) std::abort();
}

template <typename Ready>
bool MutexRing::WaitFor(Event& event, int64_t deadline, Ready ready) {
  static const bool spin = UsableCpus() > 1;
  while (!ready()) {
    int64_t now = MonotonicNanos();
    if (now >= deadline) return false;
    if (spin) {
      Unlock();
      const int64_t until = now + kSpinNanos;
      while (!ready() && MonotonicNanos() < until) {
        for (int i = 0; i < 8; i++) CpuRelax();
      }
      Lock();
      if (ready()) return true;
      now = MonotonicNanos();
    }
    const uint32_t version = event.version.load(std::memory_order_relaxed);
    event.waiters++;
    Unlock();
    FutexWait(&event.version, version, deadline < now + kSliceNanos ? deadline : now + kSliceNanos);
    Lock();
    event.waiters--;
  }
  return true;
}

bool MutexRing::Announce(Event& event) {
  if (event.waiters == 0) return false;
  event.version.fetch_add(1, std::memory_order_relaxed);
  return true;
}

void MutexRing::Wake(Event& event, int count) { FutexWake(&event.version, count); }

bool MutexRing::Put(const void* message, uint32_t length, int64_t deadline) {
  const uint64_t need = RecordBytes(length);
  Lock();
  if (!WaitFor(space_event_, deadline, [&] { return Room() >= need; })) {
    Unlock();
    return false;
  }
  const uint64_t tail = tail_.load(std::memory_order_relaxed);
  CopyIn(tail, &length, kHeader);
  CopyIn(tail + kHeader, message, length);
  tail_.store(tail + need, std::memory_order_release);
  const bool wake = Announce(data_event_);
  Unlock();
  if (wake) Wake(data_event_, 1);
  return true;
}

int64_t MutexRing::Get(void* into, uint32_t room, int64_t deadline) {
  Lock();
  if (!WaitFor(data_event_, deadline, [&] { return Used() > 0; })) {
    Unlock();
    return kTimedOut;
  }
  const uint64_t head = head_.load(std::memory_order_relaxed);
  uint32_t length;
  CopyOut(head, &length, kHeader);
  if (length > room) {
    Unlock();
    return kNoRoom;
  }
  CopyOut(head + kHeader, into, length);
  head_.store(head + RecordBytes(length), std::memory_order_release);
  const bool wake = Announce(space_event_);
  Unlock();
  if (wake) Wake(space_event_, 1);
  return length;
}

size_t MutexRing::PutMany(const char* messages, uint32_t length, size_t count, int64_t deadline) {
  const uint64_t need = RecordBytes(length);
  Lock();
  if (!WaitFor(space_event_, deadline, [&] { return Room() >= need; })) {
    Unlock();
    return 0;
  }
  size_t put = 0;
  uint64_t tail = tail_.load(std::memory_order_relaxed);
  for (uint64_t room = Room(); put < count && room >= need; put++, room -= need, tail += need) {
    CopyIn(tail, &length, kHeader);
    CopyIn(tail + kHeader, messages + put * length, length);
  }
  tail_.store(tail, std::memory_order_release);
  const bool wake = Announce(data_event_);
  Unlock();
  if (wake) Wake(data_event_, static_cast<int>(put));
  return put;
}

size_t MutexRing::GetMany(char* into, uint32_t room, uint32_t* lengths, size_t most, int64_t deadline) {
  Lock();
  if (!WaitFor(data_event_, deadline, [&] { return Used() > 0; })) {
    Unlock();
    return 0;
  }
  size_t got = 0;
  uint64_t head = head_.load(std::memory_order_relaxed);
  for (const uint64_t tail = tail_.load(std::memory_order_relaxed); got < most && head != tail; got++) {
    CopyOut(head, &lengths[got], kHeader);
    if (lengths[got] > room) break;
    CopyOut(head + kHeader, into + got * room, lengths[got]);
    head += RecordBytes(lengths[got]);
  }
  head_.store(head, std::memory_order_release);
  const bool wake = got > 0 && Announce(space_event_);
  Unlock();
  if (wake) Wake(space_event_, static_cast<int>(got));
  return got;
}

void MutexRing::CopyIn(uint64_t at, const void* from, uint64_t length) {
  const uint64_t start = at & (capacity_ - 1);
  const uint64_t first = length < capacity_ - start ? length : capacity_ - start;
  std::memcpy(data() + start, from, first);
  std::memcpy(data(), static_cast<const char*>(from) + first, length - first);
}

void MutexRing::CopyOut(uint64_t at, void* to, uint64_t length) const {
  const uint64_t start = at & (capacity_ - 1);
  const uint64_t first = length < capacity_ - start ? length : capacity_ - start;
  std::memcpy(to, data() + start, first);
  std::memcpy(static_cast<char*>(to) + first, data(), length - first);
}

}  // namespace multiproc::bench
