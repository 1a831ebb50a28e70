// Waiting without blocking: registration, parking on the waiter thread, and the way back to the event loop.
#include "binding/environment.h"
#include "core/lock.h"
#include "core/semaphore.h"

namespace multiproc {
namespace {

constexpr uint32_t kPendingRing = 1, kPendingSlice = 2;

WaitQueue WaitersOf(Object& object, int queue) {
  return object.home->ring != nullptr ? object.home->ring->Waiters(queue) : object.block.waiters();
}

// Would somebody who waits there find what he waits for?
bool StillAvailable(Object& object, int queue) {
  if (object.home->ring != nullptr) return object.home->ring->WorthRinging(queue);
  switch (object.kind) {
    case ObjectKind::kLock:
    case ObjectKind::kRLock:
      return Lock(object.block).Owner() == 0;
    case ObjectKind::kSemaphore:
    case ObjectKind::kBoundedSemaphore:
      return Semaphore(object.block).Value() > 0;
    // Nothing there is used up by one waiter: everybody was rung.
    default:
      return false;
  }
}

}  // namespace

void Environment::Arm(Object& object, int queue) {
  Membership& home = *object.home;
  Registry& registry = home.registry();
  if (home.parked == 0 && !home.bell_known) {
    // ORDER(doorbell): read before the registration, so that a ring from here on differs from it.
    home.bell_seen = home.bell().Load(std::memory_order_seq_cst);
    home.bell_known = true;
  }
  (home.ring != nullptr ? home.armed[queue] : object.armed) = true;
  WaitersOf(object, queue).Arm(registry.self());
}

void Environment::Disarm(Object& object, int queue) {
  Registry& registry = object.home->registry();
  (object.home->ring != nullptr ? object.home->armed[queue] : object.armed) = false;
  WaitQueue waiters = WaitersOf(object, queue);
  // A waker had chosen us: if we leave without using it up, it belongs to the next.
  if (!waiters.Disarm(registry.self()) && waiters.MayHaveWaiters() && StillAvailable(object, queue))
    waiters.RingOne(registry);
}

void Environment::ArmAgain(Object& object, int queue) {
  if (!(object.home->ring != nullptr ? object.home->armed[queue] : object.armed)) return;
  Registry& registry = object.home->registry();
  WaitersOf(object, queue).Arm(registry.self());
  // Who came in between rang nobody here: let the event loop look.
  if (StillAvailable(object, queue)) registry.Ring(registry.self());
}

int Environment::Park(Object& object) {
  Membership& home = *object.home;
  if (home.parked == 0) {
    Shared<uint32_t>* bell = &home.bell();
    const uint32_t seen = home.bell_known ? home.bell_seen : bell->Load(std::memory_order_seq_cst);
    const int rc = waiters_.Watch(bell, seen, home.segment->mapping());
    if (rc != 0) return rc;
    home.bell_known = false;
  }
  home.parked++;
  return 0;
}

void Environment::Unpark(Object& object) {
  Membership& home = *object.home;
  if (home.parked == 0 || --home.parked > 0) return;
  waiters_.Unwatch(&home.bell());
}

uint32_t Environment::ReapAll() {
  uint32_t dead = 0;
  for (auto& [uuid, home] : memberships_) dead += home->ReapAll();
  return dead;
}

void Environment::SetWakeCallback(napi_value callback) {
  if (wake_ != nullptr) return;
  napi_value name;
  napi_create_string_utf8(env_, "multiproc wake", NAPI_AUTO_LENGTH, &name);
  napi_create_threadsafe_function(env_, callback, nullptr, name, 0, 1, nullptr, nullptr, this, CallWake, &wake_);
  napi_unref_threadsafe_function(env_, wake_);
  // Hooks run last in, first out: ours runs before the one that takes the function down, so no thread calls it
  // afterwards.
  napi_add_env_cleanup_hook(
      env_, [](void* self) { static_cast<Environment*>(self)->StopWaiting(); }, this);
}

void Environment::SetRef(bool on) {
  if (wake_ == nullptr) return;
  if (on) {
    napi_ref_threadsafe_function(env_, wake_);
  } else {
    napi_unref_threadsafe_function(env_, wake_);
  }
}

// On a waiter thread.
void Environment::Notify(bool slice) {
  // ORDER(wake-pending): the loop clears the flags before it looks at anything, so a set flag is always followed by a
  // look.
  const uint32_t before = wake_pending_.fetch_or(slice ? kPendingSlice : kPendingRing, std::memory_order_acq_rel);
  if (before == 0) napi_call_threadsafe_function(wake_, nullptr, napi_tsfn_nonblocking);
}

// On the event loop.
void Environment::CallWake(napi_env env, napi_value callback, void* context, void*) {
  if (env == nullptr) return;
  auto* self = static_cast<Environment*>(context);
  const uint32_t pending = self->wake_pending_.exchange(0, std::memory_order_acq_rel);  // ORDER(wake-pending)
  napi_value receiver, slice;
  napi_get_undefined(env, &receiver);
  napi_get_boolean(env, (pending & kPendingSlice) != 0, &slice);
  napi_call_function(env, receiver, callback, 1, &slice, nullptr);
}

}  // namespace multiproc
