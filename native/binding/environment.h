// Environment: everything that one JavaScript environment (main thread or worker) has open.
//
// Guarantee      One Membership per segment and one Object per shared object, however often they are attached.
// Process death  Nothing here matters to others; what they need is in the segments. Teardown StopWaiting, then
//                Shutdown: first no thread may call into JavaScript any more, then the segments are left. By a
//                cleanup hook at the end of the JavaScript environment; process.exit runs no such hooks, so the rest
//                is done when the process itself exits, after all JavaScript, 'exit' listeners included. Memory stays
//                mapped while an ArrayBuffer over it is reachable (shared_ptr in its finalizer).
#pragma once

#include <napi.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/arena.h"
#include "core/blocking.h"
#include "core/ring.h"
#include "core/segment.h"
#include "core/waiter_thread.h"

namespace multiproc {

// This environment's use of one segment.
struct Membership {
  explicit Membership(std::unique_ptr<Segment> opened);

  std::unique_ptr<Segment> segment;
  std::unique_ptr<Arena> arena;  // arena and memory segments
  std::unique_ptr<Ring> ring;    // queue segments
  int objects = 0;
  int parked = 0;
  bool armed[kWaitQueues] = {};  // queue segments: pending promises of this environment wait here
  bool own_arena = false;        // of those without objects one stays joined: the next one is made in it
  // Doorbell value from before the first look of a wait that is not yet parked.
  uint32_t bell_seen = 0;
  bool bell_known = false;
  napi_ref ring_buffer = nullptr;
  napi_ref words = nullptr;  // the body as an Int32Array, for what JavaScript does with Atomics

  Repairer& repairer() { return ring != nullptr ? static_cast<Repairer&>(*ring) : *arena; }
  Registry& registry() { return segment->registry(); }
  // Rung by others for whoever of this environment waits in the segment.
  Shared<uint32_t>& bell() { return registry().slot(registry().self()).doorbell; }
  // Leaves the segment; the last user takes the queue's spilled messages along. True if nobody is left.
  bool Leave();
  // Repairs the given participant if it is dead, and what its death left outside the segment.
  bool Reap(uint32_t participant);
  uint32_t ReapAll();
};

// One shared object. The parameters are copies: nothing is read from the segment twice.
struct Object {
  ObjectKind kind = ObjectKind::kNone;
  int opens = 0;
  Membership* home = nullptr;
  Block block;
  uint32_t generation = 0;
  double parameter[2] = {0, 0};
  uint64_t data_bytes = 0;
  std::string meta;
  napi_ref buffer = nullptr;  // weak: a view keeps its ArrayBuffer, we do not
  uint64_t last_position = 0;
  bool armed = false;  // arena objects: pending promises of this environment wait for it
};

class Environment {
 public:
  explicit Environment(napi_env env);
  ~Environment();
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

  // An open object of one of the kinds [first, last], or nullptr.
  Object* Find(int32_t ref, ObjectKind first, ObjectKind last) {
    if (static_cast<size_t>(static_cast<uint32_t>(ref)) >= objects_.size()) return nullptr;
    Object* object = objects_[static_cast<uint32_t>(ref)].get();
    if (object == nullptr || object->kind < first || object->kind > last) return nullptr;
    return object;
  }

  // Refs, or -1 with `failure` filled.
  // `initial`: the first bytes of the user memory, there before anybody can open the name.
  int32_t Create(const std::string* name, const BlockRequest& request, uint32_t participants, std::string_view initial,
                 Failure* failure);
  int32_t CreateQueue(const std::string* name, SegmentParameters parameters, Failure* failure);
  int32_t Open(ObjectKind kind, const std::string& name, Failure* failure);
  // `address` as AddressOf gave it.
  int32_t Attach(ObjectKind kind, const std::string& address, Failure* failure);
  void Close(int32_t ref);
  std::string AddressOf(const Object& object) const;

  // An ArrayBuffer over [data, data + bytes) that keeps the mapping.
  napi_value MemoryView(const std::shared_ptr<Mapping>& mapping, char* data, uint64_t bytes);

  void Arm(Object& object, int queue);
  void Disarm(Object& object, int queue);
  // After a blocking wait, which took the registration that it shares with pending promises: registers those again.
  void ArmAgain(Object& object, int queue);
  // 0, or errno when no thread can be had that would watch.
  int Park(Object& object);
  void Unpark(Object& object);

  // Repairs what dead participants left in any segment that is open here; returns how many were dead. A system call for
  // each participant that lives.
  uint32_t ReapAll();

  void SetWakeCallback(napi_value callback);
  void SetRef(bool on);
  void StopWaiting();
  void Shutdown();

  napi_env env() const { return env_; }
  SpinBudget& spin() { return spin_; }

  // Memory shared with JavaScript.
  double* out = nullptr;
  // Called when all has been left.
  std::function<void()> at_end;
  char* scratch = nullptr;
  uint64_t scratch_bytes = 0;
  char* slab = nullptr;
  uint64_t slab_bytes = 0;
  napi_ref scratch_ref = nullptr;
  napi_ref slab_ref = nullptr;
  char* map_slab = nullptr;
  uint64_t map_slab_bytes = 0;
  napi_ref map_slab_ref = nullptr;

 private:
  Block AllocateInOwnArena(const BlockRequest& request, uint64_t bytes, Membership** home, Failure* failure);
  Membership* OwnArena(uint64_t block_bytes, Failure* failure);
  // `uuid` 0: whatever the name leads to now.
  Membership* OpenSegment(const std::string& name, uint64_t uuid, Failure* failure);
  int32_t AttachAt(ObjectKind kind, Membership* home, uint64_t offset, uint32_t generation, Failure* failure);
  // Not published and not ours to find yet; Adopt does both, after the body is complete.
  std::unique_ptr<Membership> CreateSegment(const std::string& name, const SegmentParameters& parameters,
                                            Failure* failure);
  Membership* Adopt(std::unique_ptr<Membership> home, Failure* failure);
  int32_t Register(Membership* home, const Block& block, ObjectKind kind);
  int32_t RegisterQueue(Membership* home);
  void LeaveIfUnused(Membership* home);
  void Notify(bool slice);
  static void CallWake(napi_env env, napi_value callback, void* context, void* data);

  napi_env env_;
  std::vector<std::unique_ptr<Object>> objects_;
  std::vector<int32_t> unused_refs_;
  // By uuid: a name can come to mean another segment while the old one is still open here.
  std::unordered_map<uint64_t, std::unique_ptr<Membership>> memberships_;
  // segment, offset of the block -> ref
  std::map<std::pair<const Membership*, uint64_t>, int32_t> refs_;
  std::vector<Membership*> own_arenas_;
  SpinBudget spin_;
  napi_threadsafe_function wake_ = nullptr;
  std::atomic<uint32_t> wake_pending_{0};
  WaiterThreads waiters_;
  bool shut_down_ = false;
};

}  // namespace multiproc
