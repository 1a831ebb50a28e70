// The addon's entry point: one Environment for each JavaScript environment, and its functions. Nothing else.
#include "binding/arguments.h"
#include "binding/environment.h"

namespace {

napi_value Init(napi_env env, napi_value exports) {
  auto* environment = new multiproc::Environment(env);
  // At the end of the environment; a hook, since finalizers run only after memory that others wait for is long
  // unreachable.
  napi_add_env_cleanup_hook(
      env,
      [](void* data) {
        auto* ended = static_cast<multiproc::Environment*>(data);
        const std::function<void()> at_end = std::move(ended->at_end);
        delete ended;
        if (at_end) at_end();
      },
      environment);
  multiproc::ExportObjects(*environment, exports);
  multiproc::ExportWaiting(*environment, exports);
  multiproc::ExportSync(*environment, exports);
  multiproc::ExportRing(*environment, exports);
  multiproc::ExportMaps(*environment, exports);
  multiproc::ExportHousekeeping(*environment, exports);
  multiproc::ExportProcesses(*environment, exports);
#ifdef MULTIPROC_FAULT_POINTS
  multiproc::ExportFaultPoints(*environment, exports);
#endif
  return exports;
}

}  // namespace

NAPI_MODULE(NODE_GYP_MODULE_NAME, Init)
