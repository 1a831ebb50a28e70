#include "core/system_info.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/utsname.h>

#include "core/layout.h"
#include "platform/cpu.h"
#include "platform/file_lock.h"
#include "platform/futex.h"
#include "platform/libc.h"
#include "platform/shm_file.h"

namespace multiproc {
namespace {

bool LocksWork() {
  Descriptor first;
  if (CreateUnnamed(0, &first) != 0) return false;
  char path[64];
  snprintf(path, sizeof path, "/proc/self/fd/%d", first.get());
  const Descriptor second(open(path, O_RDWR | O_CLOEXEC));
  return second.valid() && TryWriteLock(first.get(), kSlotLockBase) && IsLockedByOther(second.get(), kSlotLockBase);
}

}  // namespace

SystemInfo ReadSystemInfo() {
  SystemInfo info;
  utsname name;
  if (uname(&name) == 0) info.kernel = std::string(name.sysname) + " " + name.release + " " + name.machine;
  info.libc = LibcVersion();
  ShmSpace(&info.shm_free, &info.shm_total);
  info.futex_waitv = FutexWaitManyLimit() > 1;
  info.ofd_locks = LocksWork();
  return info;
}

int UsableProcessors() { return UsableCpus(); }

}  // namespace multiproc
