// SyncCall: one call of an operation on an object with the words of a SyncBody, and how it waits.
#pragma once

#include "binding/arguments.h"

namespace multiproc {

template <size_t N>
struct SyncCall : Arguments<N> {
  SyncCall(napi_env env, napi_callback_info info, ObjectKind first, ObjectKind last)
      : Arguments<N>(env, info), object(this->environment().Find(this->Int(0), first, last)) {}
  SyncCall(napi_env env, napi_callback_info info, ObjectKind kind) : SyncCall(env, info, kind, kind) {}

  napi_value Closed() const { return this->Return(kClosed); }

  template <typename Attempt>
  napi_value Wait(size_t wait_argument, Attempt attempt) const {
    Status status = attempt();
    if (status != kAgain) return this->Return(status);
    // Read only now: each argument costs as much as the attempt.
    const int64_t wait = this->Wait_(wait_argument);
    if (wait > 0) {
      object->block.sync().contended.FetchAdd(1);
      status = BlockUntil(object->home->registry(), object->block.waiters(), this->environment().spin(), wait, attempt);
      this->environment().ArmAgain(*object, 0);
    }
    return this->Return(status);
  }

  int64_t Wait_(size_t i) const { return Arguments<N>::Wait(i); }

  Object* object;
};

}  // namespace multiproc
