// Hot operations of the synchronisation objects: numbers in, a number out.
#include "binding/sync_call.h"
#include "core/barrier.h"
#include "core/condition.h"
#include "core/event.h"
#include "core/lock.h"
#include "core/semaphore.h"

namespace multiproc {
namespace {

template <size_t N>
using Call = SyncCall<N>;

double PidOf(Registry& registry, uint32_t owner) {
  return owner >= 1 && owner <= registry.count() ? registry.slot(owner - 1).pid : 0;
}

// ---- Lock and RLock
// --------------------------------------------------------------------------------------------------

napi_value LockAcquire(napi_env env, napi_callback_info info) {
  const Call<4> call(env, info, ObjectKind::kLock);
  if (call.object == nullptr) return call.Closed();
  Lock lock(call.object->block);
  const bool hold = call.Int(1) != 0;
  const Status status = lock.TryAcquire(hold);
  if (status != kAgain) return call.Return(status);
  if (call.Int(2) != 0 && lock.Mine() && lock.Held()) return call.Return(kDeadlock);
  return call.Wait(3, [&] { return lock.TryAcquire(hold); });
}

napi_value LockRelease(napi_env env, napi_callback_info info) {
  const Call<2> call(env, info, ObjectKind::kLock);
  if (call.object == nullptr) return call.Closed();
  return call.Return(Lock(call.object->block).Release(call.Int(1) != 0));
}

napi_value LockState(napi_env env, napi_callback_info info) {
  const Call<1> call(env, info, ObjectKind::kLock, ObjectKind::kRLock);
  if (call.object == nullptr) return call.Closed();
  const Lock lock(call.object->block);
  const uint32_t owner = lock.Owner();
  Registry& registry = call.object->home->registry();
  call.environment().out[0] = PidOf(registry, owner);
  call.environment().out[1] = call.object->kind == ObjectKind::kRLock ? lock.depth() : lock.Held() ? 1 : 0;
  return call.Return(owner == 0 ? 0 : owner == registry.self() + 1 ? 1 : 2);
}

napi_value RLockAcquire(napi_env env, napi_callback_info info) {
  const Call<2> call(env, info, ObjectKind::kRLock);
  if (call.object == nullptr) return call.Closed();
  Lock lock(call.object->block);
  return call.Wait(1, [&] { return lock.TryEnter(); });
}

napi_value RLockRelease(napi_env env, napi_callback_info info) {
  const Call<1> call(env, info, ObjectKind::kRLock);
  if (call.object == nullptr) return call.Closed();
  return call.Return(Lock(call.object->block).Exit());
}

napi_value RLockReleaseAll(napi_env env, napi_callback_info info) {
  const Call<1> call(env, info, ObjectKind::kRLock);
  if (call.object == nullptr) return call.Closed();
  uint32_t depth = 0;
  const Status status = Lock(call.object->block).ExitFully(&depth);
  return call.Return(status == kOk ? int64_t{depth} : int64_t{status});
}

napi_value RLockSetDepth(napi_env env, napi_callback_info info) {
  const Call<2> call(env, info, ObjectKind::kRLock);
  if (call.object == nullptr) return call.Closed();
  return call.Return(Lock(call.object->block).SetDepth(static_cast<uint32_t>(call.Int(1))));
}

// What the uncontended paths of lib/sync/lock.ts need: the words of the segment, and in `out` the indices of the lock's
// word and of its count of acquisitions, and the value that means owned by us.
napi_value LockWords(napi_env env, napi_callback_info info) {
  const Call<1> call(env, info, ObjectKind::kLock);
  if (call.object == nullptr) return nullptr;
  Membership& home = *call.object->home;
  const char* body = home.segment->body();
  const SyncBody& sync = call.object->block.sync();
  double* out = call.environment().out;
  const auto index_of = [&](const void* word) {
    return static_cast<double>((static_cast<const char*>(word) - body) / 4);
  };
  out[0] = index_of(&sync.word);
  out[1] = index_of(&sync.acquired);
  out[2] = home.registry().self() + 1;
  napi_value words = nullptr;
  if (home.words != nullptr && napi_get_reference_value(env, home.words, &words) == napi_ok && words != nullptr)
    return words;
  const uint64_t bytes = home.segment->parameters().body_bytes;
  napi_value memory = call.environment().MemoryView(home.segment->mapping(), home.segment->body(), bytes);
  if (memory == nullptr || napi_create_typedarray(env, napi_int32_array, bytes / 4, memory, 0, &words) != napi_ok)
    return nullptr;
  napi_create_reference(env, words, 1, &home.words);
  return words;
}

// ---- Semaphore
// -------------------------------------------------------------------------------------------------------

napi_value SemaphoreAcquire(napi_env env, napi_callback_info info) {
  const Call<2> call(env, info, ObjectKind::kSemaphore, ObjectKind::kBoundedSemaphore);
  if (call.object == nullptr) return call.Closed();
  Semaphore semaphore(call.object->block);
  return call.Wait(1, [&] { return semaphore.TryAcquire(); });
}

napi_value SemaphoreRelease(napi_env env, napi_callback_info info) {
  const Call<2> call(env, info, ObjectKind::kSemaphore, ObjectKind::kBoundedSemaphore);
  if (call.object == nullptr) return call.Closed();
  const double n = call.Number(1);
  if (!(n >= 1 && n <= INT32_MAX)) return call.Return(kOverRelease);
  const uint32_t maximum = static_cast<uint32_t>(call.object->parameter[1]);
  return call.Return(Semaphore(call.object->block).Release(static_cast<uint32_t>(n), maximum));
}

napi_value SemaphoreValue(napi_env env, napi_callback_info info) {
  const Call<1> call(env, info, ObjectKind::kSemaphore, ObjectKind::kBoundedSemaphore);
  if (call.object == nullptr) return call.Closed();
  return call.Return(Semaphore(call.object->block).Value());
}

// ---- Event
// -----------------------------------------------------------------------------------------------------------

napi_value EventIsSet(napi_env env, napi_callback_info info) {
  const Call<1> call(env, info, ObjectKind::kEvent);
  if (call.object == nullptr) return call.Closed();
  return call.Return(Event(call.object->block).IsSet() ? 1 : 0);
}

napi_value EventSet(napi_env env, napi_callback_info info) {
  const Call<1> call(env, info, ObjectKind::kEvent);
  if (call.object == nullptr) return call.Closed();
  Event(call.object->block).Set();
  return call.Return(kOk);
}

napi_value EventClear(napi_env env, napi_callback_info info) {
  const Call<1> call(env, info, ObjectKind::kEvent);
  if (call.object == nullptr) return call.Closed();
  Event(call.object->block).Clear();
  return call.Return(kOk);
}

napi_value EventEpoch(napi_env env, napi_callback_info info) {
  const Call<1> call(env, info, ObjectKind::kEvent);
  if (call.object == nullptr) return call.Closed();
  return call.Return(Event(call.object->block).Epoch());
}

napi_value EventWait(napi_env env, napi_callback_info info) {
  const Call<3> call(env, info, ObjectKind::kEvent);
  if (call.object == nullptr) return call.Closed();
  const Event event(call.object->block);
  const uint32_t epoch = static_cast<uint32_t>(call.Number(1));
  return call.Wait(2, [&] { return event.Test(epoch); });
}

// ---- Condition
// -------------------------------------------------------------------------------------------------------

napi_value ConditionEnter(napi_env env, napi_callback_info info) {
  const Call<1> call(env, info, ObjectKind::kCondition);
  if (call.object == nullptr) return call.Closed();
  return call.Return(Condition(call.object->block).Enter());
}

napi_value ConditionTake(napi_env env, napi_callback_info info) {
  const Call<2> call(env, info, ObjectKind::kCondition);
  if (call.object == nullptr) return call.Closed();
  Condition condition(call.object->block);
  return call.Wait(1, [&] { return condition.TryTake(); });
}

napi_value ConditionLeave(napi_env env, napi_callback_info info) {
  const Call<1> call(env, info, ObjectKind::kCondition);
  if (call.object == nullptr) return call.Closed();
  return call.Return(Condition(call.object->block).Leave() ? 1 : 0);
}

napi_value ConditionNotify(napi_env env, napi_callback_info info) {
  const Call<2> call(env, info, ObjectKind::kCondition);
  if (call.object == nullptr) return call.Closed();
  const double n = call.Number(1);
  return call.Return(Condition(call.object->block).Notify(n >= UINT32_MAX ? UINT32_MAX : static_cast<uint32_t>(n)));
}

napi_value ConditionWaiters(napi_env env, napi_callback_info info) {
  const Call<1> call(env, info, ObjectKind::kCondition);
  if (call.object == nullptr) return call.Closed();
  return call.Return(Condition(call.object->block).Waiting());
}

// ---- Barrier
// ---------------------------------------------------------------------------------------------------------

napi_value BarrierArrive(napi_env env, napi_callback_info info) {
  const Call<2> call(env, info, ObjectKind::kBarrier);
  if (call.object == nullptr) return call.Closed();
  Barrier barrier(call.object->block);
  uint32_t index = 0;
  BarrierRound round = 0;
  bool last = false;
  const int64_t wait = call.Wait_(1);
  const auto attempt = [&] {
    const Barrier::Arrival arrival = barrier.Arrive(&index, &round);
    last = arrival == Barrier::Arrival::kLast;
    if (arrival == Barrier::Arrival::kBroken) return kBroken;
    return arrival == Barrier::Arrival::kBusy ? kAgain : kOk;
  };
  Status status = attempt();
  if (status == kAgain && wait > 0) {
    status = BlockUntil(call.object->home->registry(), call.object->block.waiters(), call.environment().spin(), wait,
                        attempt);
    call.environment().ArmAgain(*call.object, 0);
  }
  double* out = call.environment().out;
  out[0] = index;
  out[1] = round;
  return call.Return(status == kOk && last ? 1 : status);
}

napi_value BarrierWait(napi_env env, napi_callback_info info) {
  const Call<3> call(env, info, ObjectKind::kBarrier);
  if (call.object == nullptr) return call.Closed();
  const Barrier barrier(call.object->block);
  const BarrierRound round = static_cast<uint32_t>(call.Int(1));
  return call.Wait(2, [&] { return barrier.Test(round); });
}

napi_value BarrierFinish(napi_env env, napi_callback_info info) {
  const Call<2> call(env, info, ObjectKind::kBarrier);
  if (call.object == nullptr) return call.Closed();
  return call.Return(Barrier(call.object->block).Finish(static_cast<uint32_t>(call.Int(1))));
}

napi_value BarrierBreak(napi_env env, napi_callback_info info) {
  const Call<2> call(env, info, ObjectKind::kBarrier);
  if (call.object == nullptr) return call.Closed();
  return call.Return(Barrier(call.object->block).Break(static_cast<uint32_t>(call.Int(1))));
}

napi_value BarrierAbort(napi_env env, napi_callback_info info) {
  const Call<1> call(env, info, ObjectKind::kBarrier);
  if (call.object == nullptr) return call.Closed();
  Barrier(call.object->block).Abort();
  return call.Return(kOk);
}

napi_value BarrierReset(napi_env env, napi_callback_info info) {
  const Call<1> call(env, info, ObjectKind::kBarrier);
  if (call.object == nullptr) return call.Closed();
  Barrier(call.object->block).Reset();
  return call.Return(kOk);
}

napi_value BarrierState(napi_env env, napi_callback_info info) {
  const Call<1> call(env, info, ObjectKind::kBarrier);
  if (call.object == nullptr) return call.Closed();
  const Barrier barrier(call.object->block);
  call.environment().out[0] = barrier.Waiting();
  return call.Return(barrier.broken() ? 1 : 0);
}

}  // namespace

void ExportSync(Environment& environment, napi_value exports) {
  Export(environment, exports, "lockAcquire", LockAcquire);
  Export(environment, exports, "lockRelease", LockRelease);
  Export(environment, exports, "lockState", LockState);
  Export(environment, exports, "lockWords", LockWords);
  Export(environment, exports, "rlockAcquire", RLockAcquire);
  Export(environment, exports, "rlockRelease", RLockRelease);
  Export(environment, exports, "rlockReleaseAll", RLockReleaseAll);
  Export(environment, exports, "rlockSetDepth", RLockSetDepth);
  Export(environment, exports, "rlockState", LockState);
  Export(environment, exports, "semaphoreAcquire", SemaphoreAcquire);
  Export(environment, exports, "semaphoreRelease", SemaphoreRelease);
  Export(environment, exports, "semaphoreValue", SemaphoreValue);
  Export(environment, exports, "eventIsSet", EventIsSet);
  Export(environment, exports, "eventSet", EventSet);
  Export(environment, exports, "eventClear", EventClear);
  Export(environment, exports, "eventEpoch", EventEpoch);
  Export(environment, exports, "eventWait", EventWait);
  Export(environment, exports, "conditionEnter", ConditionEnter);
  Export(environment, exports, "conditionTake", ConditionTake);
  Export(environment, exports, "conditionLeave", ConditionLeave);
  Export(environment, exports, "conditionNotify", ConditionNotify);
  Export(environment, exports, "conditionWaiters", ConditionWaiters);
  Export(environment, exports, "barrierArrive", BarrierArrive);
  Export(environment, exports, "barrierWait", BarrierWait);
  Export(environment, exports, "barrierFinish", BarrierFinish);
  Export(environment, exports, "barrierBreak", BarrierBreak);
  Export(environment, exports, "barrierAbort", BarrierAbort);
  Export(environment, exports, "barrierReset", BarrierReset);
  Export(environment, exports, "barrierState", BarrierState);
}

}  // namespace multiproc
