#include "binding/arguments.h"

namespace multiproc {

void ThrowFailure(napi_env env, const std::string& action, const Failure& failure) {
  const Napi::Env scope(env);
  const Napi::Error error = Napi::Error::New(scope, "Cannot " + action + ": " + failure.reason);
  const Napi::Object object = error.Value();
  object.Set("code", std::string("ERR_MULTIPROC_") + failure.code);
  if (failure.error != 0) object.Set("errno", failure.error);
  if (std::string(failure.code) == "NO_SPACE") {
    object.Set("requested", static_cast<double>(failure.asked));
    object.Set("available", static_cast<double>(failure.free));
  }
  error.ThrowAsJavaScriptException();
}

void Export(Environment& environment, napi_value exports, const char* name, napi_callback function) {
  napi_value value;
  napi_create_function(environment.env(), name, NAPI_AUTO_LENGTH, function, &environment, &value);
  napi_set_named_property(environment.env(), exports, name, value);
}

}  // namespace multiproc
