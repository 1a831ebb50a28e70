// Where a test may kill the process, for tests in JavaScript. There is nothing of it in the addon that ships.
#include "binding/arguments.h"
#include "core/shared_word.h"

#ifdef MULTIPROC_FAULT_POINTS

namespace multiproc {
namespace {

// armFault(n): SIGKILL at the n-th point from now; 0 disarms.
napi_value ArmFault(napi_env env, napi_callback_info info) {
  fault::Arm(Arguments<1>(env, info).Position(0), false);
  return nullptr;
}

// Points passed since armFault.
napi_value FaultCount(napi_env env, napi_callback_info) {
  napi_value count = nullptr;
  napi_create_double(env, static_cast<double>(fault::Count()), &count);
  return count;
}

// A point in JavaScript, between two calls.
napi_value FaultPoint(napi_env, napi_callback_info) {
  fault::Hit();
  return nullptr;
}

}  // namespace

void ExportFaultPoints(Environment& environment, napi_value target) {
  Export(environment, target, "armFault", ArmFault);
  Export(environment, target, "faultCount", FaultCount);
  Export(environment, target, "faultPoint", FaultPoint);
}

}  // namespace multiproc

#endif
