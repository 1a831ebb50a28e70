// Starting and ending processes, for lib/processes/.
#include <string.h>

#include <map>
#include <mutex>

#include "binding/arguments.h"
#include "core/child_memory.h"
#include "core/child_process.h"
#include "core/child_thread.h"
#include "core/lifeline.h"

namespace multiproc {
namespace {

// Calls into JavaScript when a child has ended, for as long as there is any JavaScript.
class EndNotifier {
 public:
  void Open(napi_env env, napi_value callback) {
    napi_value name;
    napi_create_string_utf8(env, "multiproc child", NAPI_AUTO_LENGTH, &name);
    napi_create_threadsafe_function(env, callback, nullptr, name, 0, 1, nullptr, nullptr, nullptr, Call, &function_);
    napi_unref_threadsafe_function(env, function_);
  }

  void Close() {
    const std::lock_guard<std::mutex> guard(mutex_);
    function_ = nullptr;
  }

  // In the child's thread.
  void Notify() {
    const std::lock_guard<std::mutex> guard(mutex_);
    if (function_ != nullptr) napi_call_threadsafe_function(function_, nullptr, napi_tsfn_nonblocking);
  }

  void SetRef(napi_env env, bool on) {
    if (function_ == nullptr) return;
    if (on) {
      napi_ref_threadsafe_function(env, function_);
    } else {
      napi_unref_threadsafe_function(env, function_);
    }
  }

 private:
  static void Call(napi_env env, napi_value callback, void*, void*) {
    if (env == nullptr) return;
    napi_value receiver;
    napi_get_undefined(env, &receiver);
    napi_call_function(env, receiver, callback, 0, nullptr, nullptr);
  }

  std::mutex mutex_;
  napi_threadsafe_function function_ = nullptr;
};

// The children that one JavaScript environment has started and not yet forgotten.
struct Children {
  explicit Children(Environment& of) : environment(of), env(of.env()) {}

  Environment& environment;
  napi_env env;
  std::shared_ptr<EndNotifier> notifier = std::make_shared<EndNotifier>();
  // Not by pid: that of a child that has ended can be another one's before anybody here has looked.
  // Processes have positive numbers, threads negative ones.
  std::map<int, std::shared_ptr<RunningChild>> by_number;
  int last_number = 0;
};

Children& ChildrenOf(const Napi::CallbackInfo& info) { return *static_cast<Children*>(info.Data()); }

RunningChild* Find(const Napi::CallbackInfo& info) {
  Children& children = ChildrenOf(info);
  const auto found = children.by_number.find(info[0].As<Napi::Number>().Int32Value());
  return found == children.by_number.end() ? nullptr : found->second.get();
}

std::vector<std::string> Texts(const Napi::Value& value) {
  const Napi::Array array = value.As<Napi::Array>();
  std::vector<std::string> texts;
  for (uint32_t i = 0; i < array.Length(); i++) texts.push_back(array.Get(i).As<Napi::String>().Utf8Value());
  return texts;
}

Napi::Value Fail(const Napi::CallbackInfo& info, const char* action, int error) {
  Failure failure;
  failure.code = "SYSTEM";
  failure.reason = strerror(error);
  failure.error = error;
  ThrowFailure(info.Env(), action, failure);
  return info.Env().Undefined();
}

// (file, arguments, environment, input, output, error) -> number of the child; out[0] its pid
Napi::Value Start(const Napi::CallbackInfo& info) {
  Children& children = ChildrenOf(info);
  const int lifeline = LifelineForChildren();
  if (lifeline < 0) return Fail(info, "start Process", -lifeline);
  const auto descriptor = [&](size_t i) { return info[i].As<Napi::Number>().Int32Value(); };
  const ProgramStart start{info[0].As<Napi::String>().Utf8Value(),        Texts(info[1]), Texts(info[2]),
                           {descriptor(3), descriptor(4), descriptor(5)}, lifeline,       MemoryForChildren()};
  std::shared_ptr<ChildProcess> child;
  const int error = ChildProcess::Start(
      start, [notifier = children.notifier] { notifier->Notify(); }, &child);
  if (error != 0) return Fail(info, "start Process", error);
  const int number = ++children.last_number;
  children.by_number[number] = child;
  children.environment.out[0] = child->pid();
  return Napi::Number::New(info.Env(), number);
}

Napi::Value Pipe(const Napi::CallbackInfo& info) {
  int ends[2];
  const int error = OpenPipe(ends);
  if (error != 0) return Fail(info, "make a pipe", error);
  const Napi::Array result = Napi::Array::New(info.Env(), 2);
  result.Set(0u, ends[0]);
  result.Set(1u, ends[1]);
  return result;
}

// (own) -> descriptor, or -1
Napi::Value GiveMemory(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), GiveMemoryToChildren(info[0].As<Napi::Boolean>().Value()));
}

// (descriptor)
void SealTheMemory(const Napi::CallbackInfo& info) { SealMemory(info[0].As<Napi::Number>().Int32Value()); }

// () -> number of a thread that is to be started
Napi::Value PlanThread(const Napi::CallbackInfo& info) {
  int number = 0;
  const std::shared_ptr<ChildThread> thread = ChildThread::Plan(&number);
  ChildrenOf(info).by_number[number] = thread;
  return Napi::Number::New(info.Env(), number);
}

// (number) -> false if that thread has been called off; else this environment is its
Napi::Value BeginThread(const Napi::CallbackInfo& info) {
  Environment& environment = ChildrenOf(info).environment;
  const std::shared_ptr<ChildThread> thread = ChildThread::Find(info[0].As<Napi::Number>().Int32Value());
  // Whoever has started it may have ended.
  const bool begun = thread != nullptr && thread->Begin();
  if (begun) environment.at_end = [thread] { thread->End(); };
  return Napi::Boolean::New(info.Env(), begun);
}

// (number): its thread has been started
void ThreadStarted(const Napi::CallbackInfo& info) {
  const std::shared_ptr<ChildThread> thread = ChildThread::Find(info[0].As<Napi::Number>().Int32Value());
  if (thread != nullptr) thread->Started();
}

// (number, code)
void SayThreadCode(const Napi::CallbackInfo& info) {
  const std::shared_ptr<ChildThread> thread = ChildThread::Find(info[0].As<Napi::Number>().Int32Value());
  if (thread != nullptr) thread->SayCode(info[1].As<Napi::Number>().Int32Value());
}

// (number): it is being terminated
void CallThreadOff(const Napi::CallbackInfo& info) {
  const std::shared_ptr<ChildThread> thread = ChildThread::Find(info[0].As<Napi::Number>().Int32Value());
  if (thread != nullptr) thread->CallOff();
}

// (number): it has ended, for whoever has started it
void EndThread(const Napi::CallbackInfo& info) {
  const std::shared_ptr<ChildThread> thread = ChildThread::Find(info[0].As<Napi::Number>().Int32Value());
  if (thread != nullptr) thread->End();
}

// (number, waitMs) -> 0 ended, out[0] exit code, out[1] signal; Again
Napi::Value Await(const Napi::CallbackInfo& info) {
  RunningChild* child = Find(info);
  if (child == nullptr) return Napi::Number::New(info.Env(), static_cast<int>(kClosed));
  const double ms = info[1].As<Napi::Number>().DoubleValue();
  ProgramEnd end{};
  if (!child->WaitForEnd(ms > 0 ? static_cast<int64_t>(ms * 1e6) : 0, &end))
    return Napi::Number::New(info.Env(), static_cast<int>(kAgain));
  double* out = ChildrenOf(info).environment.out;
  out[0] = end.code;
  out[1] = end.signal;
  return Napi::Number::New(info.Env(), 0);
}

// (refs, bells, numbers, waitMs): sleeps until one of the bells is not what it was, or one of the children has ended
void SleepOn(const Napi::CallbackInfo& info) {
  Children& children = ChildrenOf(info);
  const Napi::Array refs = info[0].As<Napi::Array>();
  const Napi::Array bells = info[1].As<Napi::Array>();
  const Napi::Array numbers = info[2].As<Napi::Array>();
  const auto number = [](const Napi::Value& value) { return value.As<Napi::Number>().Int32Value(); };
  std::vector<FutexWatch> watches;
  for (uint32_t i = 0; i < refs.Length(); i++) {
    Object* object = children.environment.Find(number(refs.Get(i)), ObjectKind::kLock, kLastObjectKind);
    // ORDER(doorbell): the value from before the registration.
    if (object != nullptr)
      watches.push_back({object->home->bell().raw(), bells.Get(i).As<Napi::Number>().Uint32Value()});
  }
  for (uint32_t i = 0; i < numbers.Length(); i++) {
    const auto found = children.by_number.find(number(numbers.Get(i)));
    if (found != children.by_number.end()) watches.push_back(found->second->Watched());
  }
  const double ms = info[3].As<Napi::Number>().DoubleValue();
  SleepOnAny(watches, ms > 0 ? static_cast<int64_t>(std::min(ms, 250.0) * 1e6) : 0);
}

// (number, signal) -> 0 or errno
Napi::Value Signal(const Napi::CallbackInfo& info) {
  RunningChild* child = Find(info);
  return Napi::Number::New(info.Env(), child == nullptr ? 0 : child->Signal(info[1].As<Napi::Number>().Int32Value()));
}

void Forget(const Napi::CallbackInfo& info) {
  ChildrenOf(info).by_number.erase(info[0].As<Napi::Number>().Int32Value());
}

void SetCallback(const Napi::CallbackInfo& info) {
  Children& children = ChildrenOf(info);
  children.notifier->Open(children.env, info[0]);
  // Hooks run last in, first out: ours runs before the one that takes the function down.
  napi_add_env_cleanup_hook(
      children.env, [](void* data) { static_cast<Children*>(data)->notifier->Close(); }, &children);
}

void SetRef(const Napi::CallbackInfo& info) {
  ChildrenOf(info).notifier->SetRef(info.Env(), info[0].As<Napi::Boolean>().Value());
}

void Take(const Napi::CallbackInfo&) { TakeLifeline(); }

Napi::Value IsParentGone(const Napi::CallbackInfo& info) {
  const double ms = info[0].As<Napi::Number>().DoubleValue();
  return Napi::Boolean::New(info.Env(), ParentIsGone(ms > 0 ? static_cast<int64_t>(ms * 1e6) : 0));
}

Napi::Value WatchTheParent(const Napi::CallbackInfo& info) {
  const int error = WatchParent([notifier = ChildrenOf(info).notifier] { notifier->Notify(); });
  return error == 0 ? info.Env().Undefined() : Fail(info, "watch the parent process", error);
}

Napi::Value EndWithTheParent(const Napi::CallbackInfo& info) {
  const int error = EndWithParent();
  return error == 0 ? info.Env().Undefined() : Fail(info, "watch the parent process", error);
}

}  // namespace

void ExportProcesses(Environment& environment, napi_value target) {
  const Napi::Env env(environment.env());
  Napi::Object exports(env, target);
  auto* children = new Children(environment);
  // Children that still run are left to the threads that watch them.
  napi_add_env_cleanup_hook(
      env, [](void* data) { delete static_cast<Children*>(data); }, children);
  exports.Set("processStart", Napi::Function::New(env, Start, "processStart", children));
  exports.Set("makePipe", Napi::Function::New(env, Pipe, "makePipe"));
  exports.Set("giveMemory", Napi::Function::New(env, GiveMemory, "giveMemory"));
  exports.Set("sealMemory", Napi::Function::New(env, SealTheMemory, "sealMemory"));
  exports.Set("threadPlan", Napi::Function::New(env, PlanThread, "threadPlan", children));
  exports.Set("threadBegin", Napi::Function::New(env, BeginThread, "threadBegin", children));
  exports.Set("threadStarted", Napi::Function::New(env, ThreadStarted, "threadStarted"));
  exports.Set("threadCode", Napi::Function::New(env, SayThreadCode, "threadCode"));
  exports.Set("threadCallOff", Napi::Function::New(env, CallThreadOff, "threadCallOff"));
  exports.Set("threadEnd", Napi::Function::New(env, EndThread, "threadEnd"));
  exports.Set("processAwait", Napi::Function::New(env, Await, "processAwait", children));
  exports.Set("sleepOn", Napi::Function::New(env, SleepOn, "sleepOn", children));
  exports.Set("processSignal", Napi::Function::New(env, Signal, "processSignal", children));
  exports.Set("processForget", Napi::Function::New(env, Forget, "processForget", children));
  exports.Set("setProcessCallback", Napi::Function::New(env, SetCallback, "setProcessCallback", children));
  exports.Set("setProcessRef", Napi::Function::New(env, SetRef, "setProcessRef", children));
  exports.Set("takeLifeline", Napi::Function::New(env, Take, "takeLifeline"));
  exports.Set("parentIsGone", Napi::Function::New(env, IsParentGone, "parentIsGone"));
  exports.Set("watchParent", Napi::Function::New(env, WatchTheParent, "watchParent", children));
  exports.Set("endWithParent", Napi::Function::New(env, EndWithTheParent, "endWithParent"));
}

}  // namespace multiproc
