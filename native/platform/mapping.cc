#include "platform/mapping.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "platform/fault_point.h"

namespace multiproc {

uint64_t PageSize() {
  static const uint64_t size = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  return size;
}

Mapping::~Mapping() {
  SYSTEM_CALL_POINTS();
  if (base_ != nullptr) munmap(base_, length_);
}

int Mapping::Discard() {
  SYSTEM_CALL_POINTS();
  const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE;
  return mmap(base_, length_, PROT_READ | PROT_WRITE, flags, -1, 0) == MAP_FAILED ? errno : 0;
}

int Mapping::Detach() {
  SYSTEM_CALL_POINTS();
  void* copy = mmap(nullptr, length_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (copy == MAP_FAILED) return errno;
  FAULT_POINT();
  memcpy(copy, base_, length_);
  // Moving the copy over the range is one step for whoever reads it: before, the file; after, the copy.
  if (mremap(copy, length_, length_, MREMAP_MAYMOVE | MREMAP_FIXED, base_) != MAP_FAILED) return 0;
  const int error = errno;
  munmap(copy, length_);
  return error;
}

int Mapping::Map(int fd, uint64_t size, uint64_t twice) {
  SYSTEM_CALL_POINTS();
  const int access = PROT_READ | PROT_WRITE;
  if (twice == 0) {
    void* base = mmap(nullptr, size, access, MAP_SHARED, fd, 0);
    if (base == MAP_FAILED) return errno;
    base_ = static_cast<char*>(base);
    length_ = size;
    return 0;
  }
  // Reserve the whole range first, so that the two fixed mappings can overwrite nothing but our own reservation.
  void* reserved = mmap(nullptr, size + twice, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (reserved == MAP_FAILED) return errno;
  base_ = static_cast<char*>(reserved);
  length_ = size + twice;
  FAULT_POINT();
  const off_t again = static_cast<off_t>(size - twice);
  if (mmap(base_, size, access, MAP_SHARED | MAP_FIXED, fd, 0) == MAP_FAILED ||
      mmap(base_ + size, twice, access, MAP_SHARED | MAP_FIXED, fd, again) == MAP_FAILED) {
    return errno;
  }
  return 0;
}

}  // namespace multiproc
