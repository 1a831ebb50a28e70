// Memory shared with JavaScript, the sweep and the listing, facts for `doctor`.
#include "binding/arguments.h"
#include "core/sweep.h"
#include "core/system_info.h"

namespace multiproc {
namespace {

constexpr size_t kOutNumbers = 16;

napi_value SetMemory(napi_env env, napi_callback_info info, napi_ref Environment::*ref, char* Environment::*data,
                     uint64_t Environment::*length) {
  const Arguments<1> arguments(env, info);
  Environment& environment = arguments.environment();
  char* bytes;
  uint64_t size;
  if (!arguments.Bytes(0, &bytes, &size)) {
    napi_throw_type_error(env, "ERR_MULTIPROC_ARGUMENT", "Cannot share memory: a Uint8Array is needed");
    return nullptr;
  }
  if (environment.*ref != nullptr) napi_delete_reference(env, environment.*ref);
  napi_create_reference(env, arguments.value(0), 1, &(environment.*ref));
  environment.*data = bytes;
  environment.*length = size;
  return nullptr;
}

napi_value SetScratch(napi_env env, napi_callback_info info) {
  return SetMemory(env, info, &Environment::scratch_ref, &Environment::scratch, &Environment::scratch_bytes);
}

napi_value SetSlab(napi_env env, napi_callback_info info) {
  return SetMemory(env, info, &Environment::slab_ref, &Environment::slab, &Environment::slab_bytes);
}

napi_value SetMapSlab(napi_env env, napi_callback_info info) {
  return SetMemory(env, info, &Environment::map_slab_ref, &Environment::map_slab, &Environment::map_slab_bytes);
}

Napi::Value Sweep(const Napi::CallbackInfo& info) {
  const Napi::Array names = Napi::Array::New(info.Env());
  for (const std::string& name : SweepOrphans()) names.Set(names.Length(), name);
  return names;
}

Napi::Value List(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Napi::Array segments = Napi::Array::New(env);
  for (const SeenSegment& seen : ListSegments()) {
    const Napi::Object segment = Napi::Object::New(env);
    segment.Set("name", seen.name);
    segment.Set("kind", seen.kind);
    segment.Set("size", static_cast<double>(seen.size));
    segment.Set("orphan", seen.orphan);
    segment.Set("depth", static_cast<double>(seen.depth));
    const Napi::Array participants = Napi::Array::New(env);
    for (const SeenParticipant& each : seen.participants) {
      const Napi::Object participant = Napi::Object::New(env);
      participant.Set("index", each.index);
      participant.Set("pid", each.pid);
      participant.Set("command", each.command);
      participant.Set("alive", each.alive);
      participants.Set(participants.Length(), participant);
    }
    segment.Set("participants", participants);
    segment.Set("problem", seen.problem.empty() ? env.Null() : Napi::String::New(env, seen.problem).As<Napi::Value>());
    segments.Set(segments.Length(), segment);
  }
  return segments;
}

Napi::Value Info(const Napi::CallbackInfo& info) {
  const SystemInfo facts = ReadSystemInfo();
  const Napi::Object object = Napi::Object::New(info.Env());
  object.Set("kernel", facts.kernel);
  object.Set("libc", facts.libc);
  object.Set("shmFree", static_cast<double>(facts.shm_free));
  object.Set("shmTotal", static_cast<double>(facts.shm_total));
  object.Set("futexWaitv", facts.futex_waitv);
  object.Set("ofdLocks", facts.ofd_locks);
  return object;
}

}  // namespace

void ExportHousekeeping(Environment& environment, napi_value target) {
  Napi::Object exports(environment.env(), target);
  Export(environment, target, "setScratch", SetScratch);
  Export(environment, target, "setSlab", SetSlab);
  Export(environment, target, "setMapSlab", SetMapSlab);
  exports.Set("sweep", Napi::Function::New(exports.Env(), Sweep, "sweep"));
  exports.Set("listSegments", Napi::Function::New(exports.Env(), List, "listSegments"));
  exports.Set("systemInfo", Napi::Function::New(exports.Env(), Info, "systemInfo"));
  exports.Set("usableCpus", UsableProcessors());
  Napi::Float64Array out = Napi::Float64Array::New(exports.Env(), kOutNumbers);
  exports.Set("out", out);
  environment.out = out.Data();
}

}  // namespace multiproc
