#include "platform/detached_thread.h"

#include <pthread.h>
#include <signal.h>

#include <memory>

namespace multiproc {
namespace {

// All that such a thread does is wait for the kernel, and report.
constexpr size_t kStackBytes = 256 * 1024;

void* Run(void* work) {
  const std::unique_ptr<std::function<void()>> owned(static_cast<std::function<void()>*>(work));
  (*owned)();
  return nullptr;
}

}  // namespace

int StartDetachedThread(std::function<void()> work) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_attr_setstacksize(&attributes, kStackBytes);
  sigset_t all, old;
  sigfillset(&all);
  // Inherited by the new thread, and ours again afterwards.
  pthread_sigmask(SIG_SETMASK, &all, &old);
  auto owned = std::make_unique<std::function<void()>>(std::move(work));
  pthread_t thread;
  const int error = pthread_create(&thread, &attributes, Run, owned.get());
  pthread_sigmask(SIG_SETMASK, &old, nullptr);
  pthread_attr_destroy(&attributes);
  if (error == 0) owned.release();
  return error;
}

}  // namespace multiproc
