// The objects of an environment: made, opened, attached, closed.
#include <stdio.h>
#include <string.h>

#include <algorithm>

#include "binding/environment.h"
#include "core/hash_map.h"
#include "core/segment_name.h"
#include "core/semaphore.h"

namespace multiproc {
namespace {

// Larger blocks get a segment of their own.
constexpr uint64_t kMostArenaBlock = 16 * 1024;

// The contents of a new object, before anybody else can see it.
void Initialise(const Block& block, const BlockRequest& request, std::string_view initial) {
  if (request.kind == ObjectKind::kSemaphore || request.kind == ObjectKind::kBoundedSemaphore) {
    Semaphore(block).Format(static_cast<uint32_t>(request.parameter[0]));
  }
  if (request.kind == ObjectKind::kMap) HashMap::Format(block);
  // Without contents there is no pointer to copy from either, which memcpy() does not allow even for no bytes.
  const uint64_t given = std::min<uint64_t>(initial.size(), request.data_bytes);
  if (given > 0) memcpy(block.data(), initial.data(), given);
}

int32_t FailWith(Failure* failure, const char* code, const char* reason) {
  failure->code = code;
  failure->reason = reason;
  return -1;
}

}  // namespace

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
    const BlockFacts& facts = block.facts();
    object->generation = block.generation();
    object->parameter[0] = facts.parameter[0];
    object->parameter[1] = facts.parameter[1];
    object->data_bytes = facts.data_bytes;
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
  // A map has a segment of its own, however small: what damages it damages nothing else.
  const bool shares = name == nullptr && request.kind != ObjectKind::kMap && participants == kDefaultParticipants;
  if (shares && bytes <= kMostArenaBlock) {
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
    const bool damaged = home->segment->poisoned()->Load(std::memory_order_relaxed) != 0;  // relaxed: sticky
    LeaveIfUnused(home);
    if (damaged) return FailWith(failure, "CORRUPT_SEGMENT", "its header contradicts itself");
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
  Object* object = Find(ref, ObjectKind::kLock, kLastObjectKind);
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

}  // namespace multiproc
