// Operations of maps: a text and numbers in, a number out; values go through memory shared with JavaScript.
#include "binding/message_parts.h"
#include "binding/sync_call.h"
#include "core/hash_map.h"

namespace multiproc {
namespace {

enum Entering { kEnters = 0, kHasEntered = 1 };  // does the operation take the lock, or has its caller?

template <size_t N>
struct Call : SyncCall<N> {
  Call(napi_env env, napi_callback_info info) : SyncCall<N>(env, info, ObjectKind::kMap), env_(env) {}

  HashMap map() const { return HashMap(this->object->block, this->object->home->segment->poisoned()); }
  double* out() const { return this->environment().out; }

  // What is copied out goes behind this offset of the slab.
  MapOutput Output(size_t i) const {
    const Environment& environment = this->environment();
    const uint64_t offset = std::min<uint64_t>(this->Position(i), environment.map_slab_bytes);
    return {environment.map_slab + offset, environment.map_slab_bytes - offset, 0};
  }

  napi_value ReturnOutput(Status status, const MapOutput& output) const {
    if (status == kNoRoom) out()[0] = static_cast<double>(output.bytes);
    return this->Return(status == kOk ? static_cast<int64_t>(output.bytes) : int64_t{status});
  }

  // Does `work` with the lock, for which it waits as long as the argument says.
  template <typename Work>
  napi_value Locked(Entering entering, size_t wait_argument, Work work) const {
    HashMap map = this->map();
    if (entering == kHasEntered) return this->Return(map.Mine() ? work(map) : kNotOwner);
    return this->Wait(wait_argument, [&] {
      const Status entered = map.TryEnter();
      if (entered < 0) return entered;
      const Status status = work(map);
      map.Leave();
      return status;
    });
  }

  napi_env env_;
};

// A key as UTF-8. One that is too long is cut, but not so much that it could be a key.
struct Key {
  template <typename Call>
  Key(const Call& call, size_t i) {
    napi_get_value_string_utf8(call.env_, call.value(i), bytes, sizeof bytes, &length);
  }
  bool possible() const { return length <= kMapMostKey; }

  char bytes[kMapMostKey + 8];
  size_t length = SIZE_MAX;
};

// (ref, key, offset) -> length
napi_value MapGet(napi_env env, napi_callback_info info) {
  const Call<3> call(env, info);
  if (call.object == nullptr) return call.Closed();
  const Key key(call, 1);
  if (!key.possible()) return call.Return(kTooLarge);
  MapOutput output = call.Output(2);
  return call.ReturnOutput(call.map().Get(key.bytes, key.length, &output), output);
}

// (ref, key)
napi_value MapHas(napi_env env, napi_callback_info info) {
  const Call<2> call(env, info);
  if (call.object == nullptr) return call.Closed();
  const Key key(call, 1);
  if (!key.possible()) return call.Return(kTooLarge);
  return call.Return(call.map().Has(key.bytes, key.length));
}

// (ref, bucket, offset) -> bytes of the entries
napi_value MapScan(napi_env env, napi_callback_info info) {
  const Call<3> call(env, info);
  if (call.object == nullptr) return call.Closed();
  uint64_t bucket = call.Position(1);
  MapOutput output = call.Output(2);
  const Status status = call.map().Scan(&bucket, &output);
  call.out()[1] = static_cast<double>(bucket);
  return call.ReturnOutput(status, output);
}

// (ref, key, headLength, body, onlyIfAbsent, entering, waitMs) -> kOkPresent if it was there and stays
napi_value MapPut(napi_env env, napi_callback_info info) {
  const Call<7> call(env, info);
  if (call.object == nullptr) return call.Closed();
  const Key key(call, 1);
  if (!key.possible()) return call.Return(kTooLarge);
  const MessageParts parts(call, 2, 3);
  const MapValue value = {parts.head, parts.head_bytes, parts.body, parts.body_bytes};
  const bool only_if_absent = call.Int(4) != 0;
  return call.Locked(static_cast<Entering>(call.Int(5)), 6, [&](HashMap& map) {
    if (only_if_absent && map.Has(key.bytes, key.length) == kOk) return kOkPresent;
    return map.Put(key.bytes, key.length, value);
  });
}

// (ref, key, entering, waitMs)
napi_value MapDelete(napi_env env, napi_callback_info info) {
  const Call<4> call(env, info);
  if (call.object == nullptr) return call.Closed();
  const Key key(call, 1);
  if (!key.possible()) return call.Return(kTooLarge);
  return call.Locked(static_cast<Entering>(call.Int(2)), 3,
                     [&](HashMap& map) { return map.Remove(key.bytes, key.length); });
}

// (ref, waitMs)
napi_value MapClear(napi_env env, napi_callback_info info) {
  const Call<2> call(env, info);
  if (call.object == nullptr) return call.Closed();
  return call.Locked(kEnters, 1, [](HashMap& map) {
    map.Clear();
    return kOk;
  });
}

// (ref, waitMs)
napi_value MapEnter(napi_env env, napi_callback_info info) {
  const Call<2> call(env, info);
  if (call.object == nullptr) return call.Closed();
  HashMap map = call.map();
  return call.Wait(1, [&] { return map.TryEnter(); });
}

// (ref)
napi_value MapLeave(napi_env env, napi_callback_info info) {
  const Call<1> call(env, info);
  if (call.object == nullptr) return call.Closed();
  HashMap map = call.map();
  return call.Return(map.Mine() ? map.Leave() : kNotOwner);
}

// (ref) -> number of entries; out[0]: units in use
napi_value MapSize(napi_env env, napi_callback_info info) {
  const Call<1> call(env, info);
  if (call.object == nullptr) return call.Closed();
  const HashMap map = call.map();
  call.out()[0] = map.UsedUnits();
  return call.Return(map.Count());
}

}  // namespace

void ExportMaps(Environment& environment, napi_value exports) {
  Export(environment, exports, "mapGet", MapGet);
  Export(environment, exports, "mapHas", MapHas);
  Export(environment, exports, "mapScan", MapScan);
  Export(environment, exports, "mapPut", MapPut);
  Export(environment, exports, "mapDelete", MapDelete);
  Export(environment, exports, "mapClear", MapClear);
  Export(environment, exports, "mapEnter", MapEnter);
  Export(environment, exports, "mapLeave", MapLeave);
  Export(environment, exports, "mapSize", MapSize);
}

}  // namespace multiproc
