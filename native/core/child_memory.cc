#include "core/child_memory.h"

#include <atomic>

#include "platform/spawn.h"

namespace multiproc {
namespace {

std::atomic<bool> decided{false};
std::atomic<int> given{kNullDevice};

}  // namespace

int GiveMemoryToChildren(bool own) {
  if (decided.exchange(true)) return -1;
  int fd = kMemoryDescriptor;
  if (own) {
    Descriptor file;
    // Without it children start all the same.
    if (MakeMemoryFile(&file) != 0) return -1;
    fd = file.Release();
  }
  given.store(fd);
  return fd;
}

void SealMemory(int fd) { Seal(fd); }

int MemoryForChildren() { return given.load(); }

}  // namespace multiproc
