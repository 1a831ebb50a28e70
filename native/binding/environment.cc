#include "binding/environment.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <algorithm>
#include <mutex>
#include <set>

#include "core/lock.h"
#include "core/segment_name.h"
#include "core/semaphore.h"
#include "core/spill.h"
#include "core/system_info.h"

namespace multiproc {
namespace {

// Bodies of the arenas of one environment: the first with its header and registry fits 64 KiB, later ones grow.
constexpr uint64_t kFirstArenaBody = 28 * 1024;
constexpr uint64_t kMostArenaBody = 4 * 1024 * 1024;
// Larger blocks get a segment of their own.
constexpr uint64_t kMostArenaBlock = 16 * 1024;

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

// The contents of a new object, before anybody else can see it.
void Initialise(const Block& block, const BlockRequest& request, std::string_view initial) {
  if (request.kind == ObjectKind::kSemaphore || request.kind == ObjectKind::kBoundedSemaphore) {
    Semaphore(block).Format(static_cast<uint32_t>(request.parameter[0]));
  }
  if (request.data_bytes > 0)
    memcpy(block.data(), initial.data(), std::min<uint64_t>(initial.size(), request.data_bytes));
}

int32_t FailWith(Failure* failure, const char* code, const char* reason) {
  failure->code = code;
  failure->reason = reason;
  return -1;
}

// The environments of this process, for its exit.
struct Living {
  std::mutex mutex;
  std::set<Environment*> environments;
};

Living& AllLiving() {
  // Never destroyed: exit handlers use it, and their order among destructors is nobody's to know.
  static Living* const living = [] {
    atexit([] {
      const std::lock_guard<std::mutex> guard(AllLiving().mutex);
      for (Environment* environment : AllLiving().environments) {
        environment->StopWaiting();
        environment->Shutdown();
      }
    });
    return new Living;
  }();
  return *living;
}

}  // namespace

Membership::Membership(std::unique_ptr<Segment> opened) : segment(std::move(opened)) {
  const SegmentParameters& p = segment->parameters();
  if (p.kind == SegmentKind::kQueue) {
    ring = std::make_unique<Ring>(segment->body(), &segment->registry(), segment->poisoned(), p.lines, p.maxsize,
                                  p.counted);
  } else {
    arena = std::make_unique<Arena>(segment->body(), p.body_bytes, segment->uuid(), &segment->registry(),
                                    segment->poisoned());
  }
}

bool Membership::Leave() {
  const bool spilled = ring != nullptr && ring->HasSpilled();
  const bool alone = segment->Leave(repairer());
  if (alone && spilled) RemoveAllSpills(segment->uuid());
  return alone;
}

bool Membership::Reap(uint32_t participant) {
  if (!registry().Reap(participant, repairer())) return false;
  if (ring != nullptr && ring->HasSpilled()) CollectSpills(segment->uuid(), *ring);
  return true;
}

uint32_t Membership::ReapAll() {
  uint32_t dead = 0;
  for (uint32_t i = 0; i < registry().count(); i++) dead += Reap(i) ? 1 : 0;
  return dead;
}

Environment::Environment(napi_env env)
    : env_(env), spin_(UsableProcessors() > 1), waiters_([this](bool slice) { Notify(slice); }) {
  const std::lock_guard<std::mutex> guard(AllLiving().mutex);
  AllLiving().environments.insert(this);
}

Environment::~Environment() {
  {
    const std::lock_guard<std::mutex> guard(AllLiving().mutex);
    AllLiving().environments.erase(this);
  }
  StopWaiting();
  Shutdown();
}

// ---- memberships ---------------------------------------------------------------------------------------------------

std::unique_ptr<Membership> Environment::CreateSegment(const std::string& name, const SegmentParameters& parameters,
                                                       Failure* failure) {
  std::unique_ptr<Segment> segment = Segment::Create(name, parameters, failure);
  if (segment == nullptr) return nullptr;
  if (parameters.kind == SegmentKind::kQueue) {
    Ring::Format(segment->body(), parameters.lines, parameters.counted);
  } else {
    Arena::Format(segment->body());
  }
  auto home = std::make_unique<Membership>(std::move(segment));
  if (!home->segment->Join(home->repairer(), failure)) return nullptr;
  if (home->arena != nullptr) home->arena->BecomeCreator();
  return home;
}

Membership* Environment::Adopt(std::unique_ptr<Membership> home, Failure* failure) {
  if (!home->segment->Publish(failure)) {
    home->segment->Leave(home->repairer());
    return nullptr;
  }
  Membership* result = home.get();
  memberships_[home->segment->uuid()] = std::move(home);
  return result;
}

Membership* Environment::OpenSegment(const std::string& name, uint64_t uuid, Failure* failure) {
  if (uuid != 0) {
    // By identity: works also when the name was unlinked while we have the segment.
    const auto found = memberships_.find(uuid);
    if (found != memberships_.end()) return found->second.get();
  } else {
    for (auto& [key, home] : memberships_) {
      if (home->segment->name() == name && home->segment->NamesUs()) return home.get();
    }
  }
  std::unique_ptr<Segment> segment = Segment::Open(name, failure);
  if (segment == nullptr) return nullptr;
  if (uuid != 0 && segment->uuid() != uuid) {
    failure->code = "NOT_FOUND";
    failure->reason = "the object is gone, its name is in other use";
    return nullptr;
  }
  const auto twin = memberships_.find(segment->uuid());
  if (twin != memberships_.end()) {
    // A second name of a segment that is open here, or a copy of its file, which nobody can tell from it.
    if (twin->second->segment->IsSameFile(*segment)) return twin->second.get();
    failure->code = "CORRUPT_SEGMENT";
    failure->reason = "it is a copy of another segment";
    return nullptr;
  }
  auto home = std::make_unique<Membership>(std::move(segment));
  if (!home->segment->Join(home->repairer(), failure)) return nullptr;
  Membership* result = home.get();
  memberships_[result->segment->uuid()] = std::move(home);
  return result;
}

void Environment::LeaveIfUnused(Membership* home) {
  if (home->objects > 0 || home->own_arena) return;
  if (home->parked > 0) waiters_.Unwatch(&home->registry().slot(home->registry().self()).doorbell);
  for (napi_ref ref : {home->ring_buffer, home->words}) {
    if (ref != nullptr) napi_delete_reference(env_, ref);
  }
  const uint64_t uuid = home->segment->uuid();
  const std::shared_ptr<Mapping> mapping = home->segment->mapping();
  const bool ring = home->ring != nullptr;
  const bool alone = home->Leave();
  memberships_.erase(uuid);
  // Views of closed objects keep the range mapped until they are collected, which may be never. Nobody else can see the
  // memory any more, so at least its pages go back to /dev/shm. Views of a queue's ring are only ours.
  if (!alone || mapping.use_count() == 1) return;
  if (ring) {
    mapping->Discard();
  } else {
    mapping->Detach();
  }
}

Membership* Environment::OwnArena(uint64_t block_bytes, Failure* failure) {
  uint64_t body = kFirstArenaBody;
  for (size_t i = 0; i < own_arenas_.size(); i++) body = std::min(body * 4, kMostArenaBody);
  SegmentParameters parameters;
  parameters.kind = SegmentKind::kArena;
  parameters.body_bytes = RoundUp(std::max(body, SingleBlockBody(block_bytes)), 4096);
  std::unique_ptr<Membership> made = CreateSegment(RandomSegmentName(), parameters, failure);
  Membership* home = made == nullptr ? nullptr : Adopt(std::move(made), failure);
  if (home == nullptr) return nullptr;
  home->own_arena = true;
  own_arenas_.push_back(home);
  return home;
}

// ---- objects -------------------------------------------------------------------------------------------------------

int32_t Environment::Register(Membership* home, const Block& block, ObjectKind kind) {
  int32_t ref;
  if (unused_refs_.empty()) {
    ref = static_cast<int32_t>(objects_.size());
    objects_.emplace_back();
  } else {
    ref = unused_refs_.back();
    unused_refs_.pop_back();
  }
  auto object = std::make_unique<Object>();
  object->kind = kind;
  object->opens = 1;
  object->home = home;
  object->block = block;
  if (kind != ObjectKind::kQueue) {
    const BlockHeader& header = block.header();
    object->generation = block.generation();
    object->parameter[0] = header.parameter[0];
    object->parameter[1] = header.parameter[1];
    object->data_bytes = header.data_bytes;
    object->meta = block.meta();
  } else {
    const SegmentParameters& p = home->segment->parameters();
    object->parameter[0] = static_cast<double>(p.lines * kLineBytes);
    object->parameter[1] = static_cast<double>(p.maxsize);
    object->meta = p.meta;
  }
  home->objects++;
  refs_[{home, block.offset()}] = ref;
  objects_[static_cast<size_t>(ref)] = std::move(object);
  return ref;
}

int32_t Environment::RegisterQueue(Membership* home) { return Register(home, Block(), ObjectKind::kQueue); }

int32_t Environment::Create(const std::string* name, const BlockRequest& request, uint32_t participants,
                            std::string_view initial, Failure* failure) {
  if (shut_down_) return FailWith(failure, "CLOSED", "this environment is shutting down");
  const uint64_t bytes = Block::BytesFor(request, participants);
  if (name == nullptr && bytes <= kMostArenaBlock && participants == kDefaultParticipants) {
    Membership* home = nullptr;
    const Block block = AllocateInOwnArena(request, bytes, &home, failure);
    if (home == nullptr) return -1;
    Initialise(block, request, initial);
    return Register(home, block, request.kind);
  }
  SegmentParameters parameters;
  parameters.kind = request.data_bytes > 0 ? SegmentKind::kMemory : SegmentKind::kArena;
  parameters.participants = participants;
  parameters.body_bytes = SingleBlockBody(bytes);
  std::unique_ptr<Membership> made = CreateSegment(name != nullptr ? *name : RandomSegmentName(), parameters, failure);
  if (made == nullptr) return -1;
  const Block block = made->arena->Allocate(request);
  if (block.offset() == 0) {
    made->segment->Leave(made->repairer());
    return FailWith(failure, "ARGUMENT", "it is larger than a segment can be");
  }
  Initialise(block, request, initial);
  Membership* home = Adopt(std::move(made), failure);
  return home == nullptr ? -1 : Register(home, block, request.kind);
}

Block Environment::AllocateInOwnArena(const BlockRequest& request, uint64_t bytes, Membership** home,
                                      Failure* failure) {
  // Before taking more memory: what dead processes were still using can be taken back.
  for (const bool reap : {false, true}) {
    for (auto arena = own_arenas_.rbegin(); arena != own_arenas_.rend(); ++arena) {
      if (reap && (*arena)->ReapAll() == 0) continue;
      const Block block = (*arena)->arena->Allocate(request);
      if (block.offset() == 0) continue;
      *home = *arena;
      return block;
    }
  }
  *home = OwnArena(bytes, failure);
  return *home == nullptr ? Block() : (*home)->arena->Allocate(request);
}

int32_t Environment::CreateQueue(const std::string* name, SegmentParameters parameters, Failure* failure) {
  if (shut_down_) return FailWith(failure, "CLOSED", "this environment is shutting down");
  parameters.kind = SegmentKind::kQueue;
  parameters.body_bytes = RingPlaces::Of(parameters.lines, parameters.counted).total;
  std::unique_ptr<Membership> made = CreateSegment(name != nullptr ? *name : RandomSegmentName(), parameters, failure);
  Membership* home = made == nullptr ? nullptr : Adopt(std::move(made), failure);
  return home == nullptr ? -1 : RegisterQueue(home);
}

int32_t Environment::Open(ObjectKind kind, const std::string& name, Failure* failure) {
  if (shut_down_) return FailWith(failure, "CLOSED", "this environment is shutting down");
  Membership* home = OpenSegment(name, 0, failure);
  return home == nullptr ? -1 : AttachAt(kind, home, 0, 0, failure);
}

int32_t Environment::Attach(ObjectKind kind, const std::string& address, Failure* failure) {
  if (shut_down_) return FailWith(failure, "CLOSED", "this environment is shutting down");
  const size_t end = address.find(':');
  unsigned long long offset = 0, uuid = 0;
  unsigned generation = 0;
  char rest;
  if (end == std::string::npos || !IsSegmentName(address.substr(0, end)) ||
      sscanf(address.c_str() + end, ":%llu:%u:%16llx%c", &offset, &generation, &uuid, &rest) != 3 || uuid == 0) {
    return FailWith(failure, "ARGUMENT", "this is not the address of a shared object");
  }
  Membership* home = OpenSegment(address.substr(0, end), uuid, failure);
  return home == nullptr ? -1 : AttachAt(kind, home, offset, generation, failure);
}

int32_t Environment::AttachAt(ObjectKind kind, Membership* home, uint64_t offset, uint32_t generation,
                              Failure* failure) {
  const auto known = refs_.find({home, offset != 0 || home->ring != nullptr ? offset : sizeof(ArenaControl)});
  if (known != refs_.end()) {
    Object& object = *objects_[static_cast<size_t>(known->second)];
    if (kind != ObjectKind::kNone && object.kind != kind)
      return FailWith(failure, "KIND", "it is an object of another kind");
    if (generation == 0 || generation == object.generation) {
      object.opens++;
      return known->second;
    }
  }
  if (home->ring != nullptr) {
    if (kind == ObjectKind::kQueue || kind == ObjectKind::kNone) return RegisterQueue(home);
    LeaveIfUnused(home);
    return FailWith(failure, "KIND", "it is a queue");
  }
  Block block;
  const bool found = offset == 0 ? home->arena->AttachFirst(&block) : home->arena->Attach(offset, generation, &block);
  if (!found) {
    LeaveIfUnused(home);
    return FailWith(failure, "NOT_FOUND", "the object is gone");
  }
  if (kind != ObjectKind::kNone && block.kind() != kind) {
    if (refs_.count({home, block.offset()}) == 0) home->arena->Detach(block);
    LeaveIfUnused(home);
    return FailWith(failure, "KIND", "it is an object of another kind");
  }
  return Register(home, block, block.kind());
}

void Environment::Close(int32_t ref) {
  Object* object = Find(ref, ObjectKind::kLock, ObjectKind::kQueue);
  if (object == nullptr || --object->opens > 0) return;
  Membership* home = object->home;
  if (object->buffer != nullptr) napi_delete_reference(env_, object->buffer);
  if (home->arena != nullptr) home->arena->Detach(object->block);
  refs_.erase({home, object->block.offset()});
  objects_[static_cast<size_t>(ref)].reset();
  unused_refs_.push_back(ref);
  home->objects--;
  LeaveIfUnused(home);
}

std::string Environment::AddressOf(const Object& object) const {
  char rest[64];
  snprintf(rest, sizeof rest, ":%llu:%u:%016llx", static_cast<unsigned long long>(object.block.offset()),
           object.generation, static_cast<unsigned long long>(object.home->segment->uuid()));
  return object.home->segment->name() + rest;
}

napi_value Environment::MemoryView(const std::shared_ptr<Mapping>& mapping, char* data, uint64_t bytes) {
  napi_value view = nullptr;
  if (bytes == 0) {
    void* ignored;
    napi_create_arraybuffer(env_, 0, &ignored, &view);
    return view;
  }
  auto* keep = new std::shared_ptr<Mapping>(mapping);
  const auto release = [](napi_env, void*, void* hint) { delete static_cast<std::shared_ptr<Mapping>*>(hint); };
  if (napi_create_external_arraybuffer(env_, data, bytes, release, keep, &view) != napi_ok) delete keep;
  return view;
}

// ---- waiting -------------------------------------------------------------------------------------------------------

void Environment::Arm(Object& object, int queue) {
  Membership& home = *object.home;
  Registry& registry = home.registry();
  if (home.parked == 0 && !home.bell_known) {
    // ORDER(doorbell): read before the registration, so that a ring from here on differs from it.
    home.bell_seen = registry.slot(registry.self()).doorbell.Load(std::memory_order_seq_cst);
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

void Environment::Park(Object& object) {
  Membership& home = *object.home;
  if (home.parked++ > 0) return;
  Shared<uint32_t>* bell = &home.registry().slot(home.registry().self()).doorbell;
  waiters_.Watch(bell, home.bell_known ? home.bell_seen : bell->Load(std::memory_order_seq_cst),
                 home.segment->mapping());
  home.bell_known = false;
}

void Environment::Unpark(Object& object) {
  Membership& home = *object.home;
  if (home.parked == 0 || --home.parked > 0) return;
  waiters_.Unwatch(&home.registry().slot(home.registry().self()).doorbell);
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

void Environment::StopWaiting() { waiters_.Stop(); }

void Environment::Shutdown() {
  shut_down_ = true;
  objects_.clear();
  unused_refs_.clear();
  refs_.clear();
  own_arenas_.clear();
  for (auto& [uuid, home] : memberships_) home->Leave();
  memberships_.clear();
}

}  // namespace multiproc
