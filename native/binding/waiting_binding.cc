// Waiting, wake-ups and repair, for lib/internal/wait.ts.
#include "binding/arguments.h"
#include "core/lock.h"

namespace multiproc {
namespace {

template <size_t N>
Object* Get(const Arguments<N>& arguments) {
  return arguments.environment().Find(arguments.Int(0), ObjectKind::kLock, kLastObjectKind);
}

napi_value Arm(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  Object* object = Get(arguments);
  if (object != nullptr) arguments.environment().Arm(*object, arguments.Int(1));
  return nullptr;
}

napi_value Disarm(napi_env env, napi_callback_info info) {
  const Arguments<2> arguments(env, info);
  Object* object = Get(arguments);
  if (object != nullptr) arguments.environment().Disarm(*object, arguments.Int(1));
  return nullptr;
}

napi_value Park(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  Object* object = Get(arguments);
  if (object == nullptr) return arguments.Return(kClosed);
  const int error = arguments.environment().Park(*object);
  if (error == 0) return arguments.Return(kOk);
  arguments.environment().out[0] = error;
  return arguments.Return(kSystem);
}

napi_value Unpark(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  Object* object = Get(arguments);
  if (object != nullptr) arguments.environment().Unpark(*object);
  return nullptr;
}

napi_value Bell(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  Object* object = Get(arguments);
  if (object == nullptr) return arguments.Return(0);
  return arguments.Return(object->home->bell().Load(std::memory_order_seq_cst));  // ORDER(doorbell)
}

napi_value SetWakeCallback(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  arguments.environment().SetWakeCallback(arguments.value(0));
  return nullptr;
}

napi_value SetRef(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  bool on = false;
  napi_get_value_bool(env, arguments.value(0), &on);
  arguments.environment().SetRef(on);
  return nullptr;
}

// Only those whose death can matter to a waiter of this object: each look at a living one is a system call.
napi_value Reap(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  Object* object = Get(arguments);
  if (object == nullptr) return arguments.Return(0);
  Membership& home = *object->home;
  uint32_t dead = 0;
  if (home.ring != nullptr && !home.ring->HasEnds()) {
    for (const uint32_t i : home.ring->Busy()) dead += home.Reap(i) ? 1 : 0;
  } else if (object->kind == ObjectKind::kLock || object->kind == ObjectKind::kRLock ||
             object->kind == ObjectKind::kMap) {
    const uint32_t owner = Lock(object->block).Owner();
    if (owner != 0) dead += home.Reap(owner - 1) ? 1 : 0;
  } else {
    dead = home.ReapAll();
  }
  return arguments.Return(dead);
}

napi_value ReapAll(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  return arguments.Return(arguments.environment().ReapAll());
}

napi_value Shutdown(napi_env env, napi_callback_info info) {
  const Arguments<1> arguments(env, info);
  arguments.environment().StopWaiting();
  arguments.environment().Shutdown();
  return nullptr;
}

}  // namespace

void ExportWaiting(Environment& environment, napi_value exports) {
  Export(environment, exports, "arm", Arm);
  Export(environment, exports, "disarm", Disarm);
  Export(environment, exports, "park", Park);
  Export(environment, exports, "unpark", Unpark);
  Export(environment, exports, "bell", Bell);
  Export(environment, exports, "setWakeCallback", SetWakeCallback);
  Export(environment, exports, "setRef", SetRef);
  Export(environment, exports, "reap", Reap);
  Export(environment, exports, "reapAll", ReapAll);
  Export(environment, exports, "shutdown", Shutdown);
}

}  // namespace multiproc
