// RunDelay: how long a thread was ready to run and did not get a processor, as the kernel counts it.
#pragma once

#include <fcntl.h>
#include <stdio.h>
#include <sys/types.h>
#include <unistd.h>

#include <string>

#include "platform/shm_file.h"

namespace multiproc {

class RunDelay {
 public:
  struct Times {
    int64_t ran = 0, delayed = 0;  // nanoseconds
  };

  // Of this thread.
  RunDelay() : RunDelay("/proc/thread-self/schedstat") {}
  // Of the first thread of another process.
  explicit RunDelay(pid_t pid) : RunDelay("/proc/" + std::to_string(pid) + "/schedstat") {}

  int64_t Nanos() const { return Look().delayed; }
  // Zero where the kernel does not say.
  Times Look() const {
    char text[96] = {};
    long long ran = 0, delayed = 0;
    if (!file_.valid() || pread(file_.get(), text, sizeof text - 1, 0) <= 0) return {};
    if (sscanf(text, "%lld %lld", &ran, &delayed) != 2) return {};
    return {ran, delayed};
  }

 private:
  explicit RunDelay(const std::string& path) : file_(open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}

  Descriptor file_;
};

}  // namespace multiproc
