// Shared<T>: one word in shared memory.
//
// Guarantee      Lock-free, address-free atomic; same size as T. The only way the core writes shared words, so that a
//                fault-point build can kill the process before and after every one of them.
// Memory order   Stated at each call by the caller, with the name of its pair.
#pragma once

#include <atomic>
#include <cstdint>

#include "platform/fault_point.h"

namespace multiproc {

template <typename T>
class Shared {
  static_assert(std::atomic<T>::is_always_lock_free, "a lock hidden in libatomic would be private to a process");

 public:
  T Load(std::memory_order order) const {
    READ_POINT();
    const T value = word_.load(order);
    READ_POINT();
    return value;
  }

  void Store(T value, std::memory_order order) {
    FAULT_POINT();
    word_.store(value, order);
    FAULT_POINT();
  }

  T Exchange(T value) {
    FAULT_POINT();
    const T old = word_.exchange(value, std::memory_order_seq_cst);
    FAULT_POINT();
    return old;
  }

  // On failure `expected` gets the value found.
  bool CompareExchange(T& expected, T desired) {
    FAULT_POINT();
    const bool done = word_.compare_exchange_strong(expected, desired, std::memory_order_seq_cst);
    FAULT_POINT();
    return done;
  }

  T FetchAdd(T value) {
    FAULT_POINT();
    const T old = word_.fetch_add(value, std::memory_order_seq_cst);
    FAULT_POINT();
    return old;
  }

  T FetchOr(T value) {
    FAULT_POINT();
    const T old = word_.fetch_or(value, std::memory_order_seq_cst);
    FAULT_POINT();
    return old;
  }

  T FetchAnd(T value) {
    FAULT_POINT();
    const T old = word_.fetch_and(value, std::memory_order_seq_cst);
    FAULT_POINT();
    return old;
  }

  // relaxed: a counter that only this thread writes and others read for statistics
  void Bump() { word_.store(word_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed); }

  // The bare atomic, for the futex calls.
  const std::atomic<T>* raw() const { return &word_; }

 private:
  std::atomic<T> word_;
};

static_assert(sizeof(Shared<uint32_t>) == 4 && sizeof(Shared<uint64_t>) == 8, "Shared adds nothing to its word");

}  // namespace multiproc
