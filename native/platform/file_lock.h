// FileLock: open-file-description locks on single bytes of a file.
//
// Guarantee      A lock belongs to the open file description (not to a process, not to a thread): the kernel drops it
//                when the last descriptor of that description is closed, which death of the process always does, and
//                never while the process is merely stopped. No pid is involved, so pid namespaces do not matter.
// Blocking       Never.
// Process death  The kernel releases; that is what this file is used for.
#pragma once

#include <cstdint>

namespace multiproc {

// True if this description now holds the byte exclusively (also when it held it before).
bool TryWriteLock(int fd, int64_t byte);
// The same, and *why gets errno on failure: EAGAIN or EACCES mean that another description holds it.
bool TryWriteLock(int fd, int64_t byte, int* why);
// True if this description now holds the byte shared.
bool TryReadLock(int fd, int64_t byte);
void UnlockByte(int fd, int64_t byte);
// Does another description hold the byte exclusively? An unknown error counts as yes: unknown means alive.
bool IsLockedByOther(int fd, int64_t byte);
// Does another description hold the byte shared? An unknown error counts as yes.
bool IsSharedByOther(int fd, int64_t byte);
// Does another description hold any kind of lock on [first, first + count)? Unknown errors count as yes.
bool IsRangeLockedByOther(int fd, int64_t first, int64_t count);

}  // namespace multiproc
