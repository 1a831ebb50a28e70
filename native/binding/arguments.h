// Arguments: the few conversions that hot operations need, over plain N-API: no exceptions, no allocation.
#pragma once

#include "binding/environment.h"

namespace multiproc {

// The arguments of one call and the environment it was made in. Missing arguments read as 0.
template <size_t N>
class Arguments {
 public:
  Arguments(napi_env env, napi_callback_info info) : env_(env) {
    size_t count = N;
    void* data = nullptr;
    napi_get_cb_info(env, info, &count, values_, nullptr, &data);
    environment_ = static_cast<Environment*>(data);
  }

  Environment& environment() const { return *environment_; }
  napi_value value(size_t i) const { return values_[i]; }

  int32_t Int(size_t i) const {
    int32_t out = 0;
    napi_get_value_int32(env_, values_[i], &out);
    return out;
  }

  double Number(size_t i) const {
    double out = 0;
    napi_get_value_double(env_, values_[i], &out);
    return out;
  }

  uint64_t Position(size_t i) const {
    const double number = Number(i);
    return number >= 0 && number < 0x1p53 ? static_cast<uint64_t>(number) : UINT64_MAX;
  }

  // Milliseconds to nanoseconds; BlockUntil cuts to a slice.
  int64_t Wait(size_t i) const {
    const double ms = Number(i);
    if (!(ms > 0)) return 0;
    return ms >= 1000 ? 1'000'000'000 : static_cast<int64_t>(ms * 1e6);
  }

  // The bytes of a Uint8Array; false (and 0 bytes) for anything else.
  bool Bytes(size_t i, char** data, uint64_t* length) const {
    napi_typedarray_type type;
    size_t size = 0;
    void* bytes = nullptr;
    if (napi_get_typedarray_info(env_, values_[i], &type, &size, &bytes, nullptr, nullptr) != napi_ok ||
        type != napi_uint8_array) {
      *data = nullptr;
      *length = 0;
      return false;
    }
    *data = static_cast<char*>(bytes);
    *length = size;
    return true;
  }

  napi_value Return(int64_t number) const {
    napi_value result;
    if (number >= INT32_MIN && number <= INT32_MAX) {
      napi_create_int32(env_, static_cast<int32_t>(number), &result);
    } else {
      napi_create_double(env_, static_cast<double>(number), &result);
    }
    return result;
  }

 private:
  napi_env env_;
  Environment* environment_ = nullptr;
  napi_value values_[N] = {};
};

// Throws the JavaScript error of a failed cold operation: message "Cannot <action>: <reason>", code, and details.
void ThrowFailure(napi_env env, const std::string& action, const Failure& failure);

// Adds a function to `exports` whose data is the environment.
void Export(Environment& environment, napi_value exports, const char* name, napi_callback function);

void ExportObjects(Environment& environment, napi_value exports);
void ExportWaiting(Environment& environment, napi_value exports);
void ExportSync(Environment& environment, napi_value exports);
void ExportRing(Environment& environment, napi_value exports);
void ExportMaps(Environment& environment, napi_value exports);
void ExportHousekeeping(Environment& environment, napi_value exports);
void ExportProcesses(Environment& environment, napi_value exports);
#ifdef MULTIPROC_FAULT_POINTS
void ExportFaultPoints(Environment& environment, napi_value exports);
#endif

}  // namespace multiproc
