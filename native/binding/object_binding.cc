// Cold operations on objects: create, open, attach, describe, close. They throw JavaScript errors with our codes.
#include <bit>
#include <cmath>
#include <iterator>

#include "binding/arguments.h"
#include "core/barrier.h"
#include "core/hash_map.h"
#include "core/lock.h"
#include "core/segment_name.h"

namespace multiproc {
namespace {

constexpr double kMostBytes = 0x1p46;
const char* const kNames[] = {"object",       "Lock",  "RLock",    "Semaphore", "BoundedSemaphore",
                              "Condition",    "Event", "Barrier",  "Value",     "Array",
                              "SharedMemory", "Queue", "SharedMap"};

Environment& EnvironmentOf(const Napi::CallbackInfo& info) { return *static_cast<Environment*>(info.Data()); }

std::string Action(const char* verb, uint32_t kind, const std::string* name) {
  std::string action = std::string(verb) + " " + kNames[kind < std::size(kNames) ? kind : 0];
  return name != nullptr ? action + " '" + *name + "'" : action;
}

// Refuses what is not a user's name or not a sensible size, before the system is asked.
bool CheckRequest(const std::string* name, double bytes, uint32_t participants, size_t meta, Failure* failure) {
  if (name != nullptr && !IsUserName(*name)) {
    failure->code = "ARGUMENT";
    failure->reason = "a name is 1 to 200 characters of A-Z a-z 0-9 . _ -";
    return false;
  }
  if (participants < 1 || participants > kMaxParticipants || meta > kMetaMax || !(bytes >= 0)) {
    failure->code = "ARGUMENT";
    failure->reason = "a parameter is out of range";
    return false;
  }
  if (bytes > kMostBytes) {
    failure->code = "NO_SPACE";
    failure->reason = "the size is beyond any memory";
    failure->asked = UINT64_MAX;
    return false;
  }
  return true;
}

uint32_t ParticipantsOf(const Napi::Value& value) {
  const double number = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : 0;
  if (number == 0) return kDefaultParticipants;
  return number >= 1 && number <= kMaxParticipants ? static_cast<uint32_t>(number) : 0;
}

struct OptionalName {
  explicit OptionalName(const Napi::Value& value) : given(value.IsString()) {
    if (given) text = value.As<Napi::String>().Utf8Value();
  }
  const std::string* get() const { return given ? &text : nullptr; }
  bool given;
  std::string text;
};

Napi::Value Finish(const Napi::CallbackInfo& info, int32_t ref, const char* verb, uint32_t kind,
                   const std::string* name, const Failure& failure) {
  if (ref < 0) {
    ThrowFailure(info.Env(), Action(verb, kind, name), failure);
    return info.Env().Undefined();
  }
  return Napi::Number::New(info.Env(), ref);
}

double MapBytes(const double parameter[2]) {
  if (!MapPlaces::Possible(parameter[0], parameter[1])) return std::nan("");
  return static_cast<double>(MapPlaces::Of(parameter[0], parameter[1]).total);
}

Napi::Value Create(const Napi::CallbackInfo& info) {
  const uint32_t kind = info[0].As<Napi::Number>().Uint32Value();
  const OptionalName name(info[1]);
  BlockRequest request;
  request.kind = static_cast<ObjectKind>(kind);
  request.parameter[0] = info[2].As<Napi::Number>().DoubleValue();
  request.parameter[1] = info[3].As<Napi::Number>().DoubleValue();
  double bytes = info[4].As<Napi::Number>().DoubleValue();
  // NaN, which is refused, for a map that there cannot be.
  if (request.kind == ObjectKind::kMap) bytes = MapBytes(request.parameter);
  if (info[5].IsString()) request.meta = info[5].As<Napi::String>().Utf8Value();
  const uint32_t participants = ParticipantsOf(info[6]);
  Failure failure;
  int32_t ref = -1;
  if (CheckRequest(name.get(), bytes, participants, request.meta.size(), &failure)) {
    request.data_bytes = static_cast<uint64_t>(bytes);
    std::string_view initial;
    if (info[7].IsTypedArray()) {
      const Napi::Uint8Array bytes = info[7].As<Napi::Uint8Array>();
      initial = {reinterpret_cast<const char*>(bytes.Data()), bytes.ByteLength()};
    }
    ref = EnvironmentOf(info).Create(name.get(), request, participants, initial, &failure);
  }
  return Finish(info, ref, "create", kind, name.get(), failure);
}

Napi::Value CreateQueue(const Napi::CallbackInfo& info) {
  const OptionalName name(info[0]);
  const double capacity = info[1].As<Napi::Number>().DoubleValue();
  SegmentParameters parameters;
  parameters.maxsize = static_cast<uint64_t>(info[2].As<Napi::Number>().DoubleValue());
  parameters.counted = info[3].As<Napi::Boolean>().Value();
  parameters.meta = info[4].As<Napi::String>().Utf8Value();
  parameters.participants = ParticipantsOf(info[5]);
  Failure failure;
  int32_t ref = -1;
  if (CheckRequest(name.get(), capacity, parameters.participants, parameters.meta.size(), &failure)) {
    const uint64_t most = kLineBytes << kMaxLog2Lines;
    const uint64_t least = kRingAlignment;
    const uint64_t bytes = std::min(std::max(static_cast<uint64_t>(capacity), least), most);
    parameters.lines = std::bit_ceil(bytes) / kLineBytes;
    ref = EnvironmentOf(info).CreateQueue(name.get(), parameters, &failure);
  }
  return Finish(info, ref, "create", 11, name.get(), failure);
}

Napi::Value Open(const Napi::CallbackInfo& info) {
  const uint32_t kind = info[0].As<Napi::Number>().Uint32Value();
  const OptionalName name(info[1]);
  Failure failure;
  int32_t ref = -1;
  if (CheckRequest(&name.text, 0, 1, 0, &failure)) {
    ref = EnvironmentOf(info).Open(static_cast<ObjectKind>(kind), name.text, &failure);
  }
  return Finish(info, ref, "open", kind, &name.text, failure);
}

Napi::Value Attach(const Napi::CallbackInfo& info) {
  const uint32_t kind = info[0].As<Napi::Number>().Uint32Value();
  const std::string address = info[1].As<Napi::String>().Utf8Value();
  Failure failure;
  const int32_t ref = EnvironmentOf(info).Attach(static_cast<ObjectKind>(kind), address, &failure);
  return Finish(info, ref, "attach", kind, &address, failure);
}

Object* Get(const Napi::CallbackInfo& info) {
  Object* object =
      EnvironmentOf(info).Find(info[0].As<Napi::Number>().Int32Value(), ObjectKind::kLock, kLastObjectKind);
  if (object == nullptr) {
    Failure failure;
    failure.code = "CLOSED";
    failure.reason = "it is closed";
    ThrowFailure(info.Env(), "use the object", failure);
  }
  return object;
}

Napi::Value Address(const Napi::CallbackInfo& info) {
  const Object* object = Get(info);
  if (object == nullptr) return info.Env().Undefined();
  return Napi::String::New(info.Env(), EnvironmentOf(info).AddressOf(*object));
}

Napi::Value KindOf(const Napi::CallbackInfo& info) {
  const Object* object = Get(info);
  return Napi::Number::New(info.Env(), object == nullptr ? 0 : static_cast<uint32_t>(object->kind));
}

Napi::Value Meta(const Napi::CallbackInfo& info) {
  const Object* object = Get(info);
  return Napi::String::New(info.Env(), object == nullptr ? "" : object->meta);
}

void Parameters(const Napi::CallbackInfo& info) {
  const Object* object = Get(info);
  if (object == nullptr) return;
  EnvironmentOf(info).out[0] = object->parameter[0];
  EnvironmentOf(info).out[1] = object->parameter[1];
}

void Retain(const Napi::CallbackInfo& info) {
  Object* object = Get(info);
  if (object != nullptr) object->opens++;
}

void Close(const Napi::CallbackInfo& info) { EnvironmentOf(info).Close(info[0].As<Napi::Number>().Int32Value()); }

Napi::Value Unlink(const Napi::CallbackInfo& info) {
  Object* object = Get(info);
  // The arena of an anonymous object is shared by all objects of its creator: its name is not this object's to remove.
  const bool own_segment = object != nullptr && !object->home->own_arena && IsUserName(object->home->segment->name());
  const bool anonymous_queue = object != nullptr && object->home->ring != nullptr;
  Failure failure;
  const bool removed = (own_segment || anonymous_queue) && object->home->segment->Unlink(&failure);
  if (failure.code != nullptr) ThrowFailure(info.Env(), "unlink", failure);
  return Napi::Boolean::New(info.Env(), removed);
}

Napi::Value Buffer(const Napi::CallbackInfo& info) {
  Object* object = Get(info);
  if (object == nullptr) return info.Env().Undefined();
  const napi_env env = info.Env();
  napi_value view = nullptr;
  if (object->buffer != nullptr && napi_get_reference_value(env, object->buffer, &view) == napi_ok && view != nullptr) {
    return Napi::Value(env, view);
  }
  view = EnvironmentOf(info).MemoryView(object->home->segment->mapping(), object->block.data(), object->data_bytes);
  if (view == nullptr) return info.Env().Undefined();
  if (object->buffer != nullptr) napi_delete_reference(env, object->buffer);
  napi_create_reference(env, view, 0, &object->buffer);
  return Napi::Value(env, view);
}

uint32_t OwnerPid(const Object& object) {
  if (object.kind != ObjectKind::kLock && object.kind != ObjectKind::kRLock && object.kind != ObjectKind::kMap)
    return 0;
  const uint32_t owner = Lock(object.block).Owner();
  Registry& registry = object.home->registry();
  return owner >= 1 && owner <= registry.count() ? registry.slot(owner - 1).pid : 0;
}

// users(ref): how many participants use an object of an arena, as far as the dead have been reaped.
Napi::Value Users(const Napi::CallbackInfo& info) {
  const Object* object = Get(info);
  double users = 0;
  if (object == nullptr || object->home->ring != nullptr) return Napi::Number::New(info.Env(), users);
  const uint32_t words = object->home->registry().words();
  // relaxed: a count for those who look again
  for (uint32_t word = 0; word < words; word++)
    users += __builtin_popcountll(object->block.users(word).Load(std::memory_order_relaxed));
  return Napi::Number::New(info.Env(), users);
}

Napi::Value Stats(const Napi::CallbackInfo& info) {
  Object* object = Get(info);
  if (object == nullptr) return info.Env().Undefined();
  Registry& registry = object->home->registry();
  double acquired = 0, contended = 0, deaths = 0, waiters = 0, puts = 0, gets = 0, spills = 0, used = 0, capacity = 0;
  double participants = 0, damaged = 0;
  const Napi::Array busy = Napi::Array::New(info.Env());
  for (uint32_t i = 0; i < registry.count(); i++) {
    const RegistrySlot& slot = registry.slot(i);
    // relaxed: statistics
    participants += registry.SaysTaken(i, std::memory_order_relaxed) ? 1 : 0;
    puts += static_cast<double>(slot.puts.Load(std::memory_order_relaxed));
    gets += static_cast<double>(slot.gets.Load(std::memory_order_relaxed));
    spills += static_cast<double>(slot.spills.Load(std::memory_order_relaxed));
    damaged += static_cast<double>(slot.damaged.Load(std::memory_order_relaxed));
  }
  if (object->home->ring != nullptr) {
    Ring& ring = *object->home->ring;
    for (int q = 0; q < kWaitQueues; q++) waiters += ring.Waiters(q).Count();
    used = static_cast<double>(ring.UsedLines() * kLineBytes);
    capacity = static_cast<double>(ring.lines() * kLineBytes);
    for (const uint32_t i : ring.Busy()) busy.Set(busy.Length(), registry.slot(i).pid);
  } else if (object->kind <= ObjectKind::kBarrier || object->kind == ObjectKind::kMap) {
    const SyncBody& body = object->block.sync();
    acquired = static_cast<double>(body.acquired.Load(std::memory_order_relaxed));
    contended = static_cast<double>(body.contended.Load(std::memory_order_relaxed));
    deaths = static_cast<double>(body.owner_deaths.Load(std::memory_order_relaxed));
    waiters = object->block.waiters().Count();
  }
  const Napi::Object stats = Napi::Object::New(info.Env());
  stats.Set("acquired", acquired);
  stats.Set("contended", contended);
  stats.Set("ownerDeaths", deaths);
  stats.Set("waiters", waiters);
  stats.Set("ownerPid", OwnerPid(*object));
  stats.Set("puts", puts);
  stats.Set("gets", gets);
  stats.Set("bytesUsed", used);
  stats.Set("capacity", capacity);
  stats.Set("spills", spills);
  stats.Set("damaged", damaged);
  stats.Set("busyPids", busy);
  stats.Set("participants", participants);
  return stats;
}

void ExportCold(Environment& environment, Napi::Object exports, const char* name,
                Napi::Value (*function)(const Napi::CallbackInfo&)) {
  exports.Set(name, Napi::Function::New(exports.Env(), function, name, &environment));
}

void ExportCold(Environment& environment, Napi::Object exports, const char* name,
                void (*function)(const Napi::CallbackInfo&)) {
  exports.Set(name, Napi::Function::New(exports.Env(), function, name, &environment));
}

}  // namespace

void ExportObjects(Environment& environment, napi_value target) {
  const Napi::Object exports(environment.env(), target);
  ExportCold(environment, exports, "create", Create);
  ExportCold(environment, exports, "createQueue", CreateQueue);
  ExportCold(environment, exports, "open", Open);
  ExportCold(environment, exports, "attach", Attach);
  ExportCold(environment, exports, "address", Address);
  ExportCold(environment, exports, "kind", KindOf);
  ExportCold(environment, exports, "meta", Meta);
  ExportCold(environment, exports, "parameters", Parameters);
  ExportCold(environment, exports, "retain", Retain);
  ExportCold(environment, exports, "close", Close);
  ExportCold(environment, exports, "unlink", Unlink);
  ExportCold(environment, exports, "buffer", Buffer);
  ExportCold(environment, exports, "stats", Stats);
  ExportCold(environment, exports, "users", Users);
}

}  // namespace multiproc
