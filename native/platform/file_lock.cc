#include "platform/file_lock.h"

#include <errno.h>
#include <fcntl.h>

#include "platform/fault_point.h"

namespace multiproc {
namespace {

struct flock ByteRange(short type, int64_t first, int64_t count) {
  struct flock range = {};
  range.l_type = type;
  range.l_whence = SEEK_SET;
  range.l_start = first;
  range.l_len = count;
  return range;
}

bool SetLock(int fd, short type, int64_t byte, int* why) {
  SYSTEM_CALL_POINTS();
  struct flock range = ByteRange(type, byte, 1);
  while (fcntl(fd, F_OFD_SETLK, &range) != 0) {
    if (errno == EINTR) continue;
    if (why != nullptr) *why = errno;
    return false;
  }
  return true;
}

}  // namespace

bool TryWriteLock(int fd, int64_t byte) { return SetLock(fd, F_WRLCK, byte, nullptr); }
bool TryWriteLock(int fd, int64_t byte, int* why) { return SetLock(fd, F_WRLCK, byte, why); }
bool TryReadLock(int fd, int64_t byte) { return SetLock(fd, F_RDLCK, byte, nullptr); }
void UnlockByte(int fd, int64_t byte) { SetLock(fd, F_UNLCK, byte, nullptr); }

bool IsLockedByOther(int fd, int64_t byte) { return IsRangeLockedByOther(fd, byte, 1); }

bool IsSharedByOther(int fd, int64_t byte) {
  SYSTEM_CALL_POINTS();
  struct flock range = ByteRange(F_WRLCK, byte, 1);
  return fcntl(fd, F_OFD_GETLK, &range) != 0 || range.l_type == F_RDLCK;
}

bool IsRangeLockedByOther(int fd, int64_t first, int64_t count) {
  SYSTEM_CALL_POINTS();
  struct flock range = ByteRange(F_WRLCK, first, count);
  if (fcntl(fd, F_OFD_GETLK, &range) != 0) return true;
  return range.l_type != F_UNLCK;
}

}  // namespace multiproc
