// OwnShm: a /dev/shm that only this process and its children see, so that it must be empty in the end.
#pragma once

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>

#include "check.h"

namespace multiproc::soak {

inline bool WriteText(const char* path, const std::string& text) {
  const int fd = open(path, O_WRONLY | O_CLOEXEC);
  const bool written = fd >= 0 && write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  if (fd >= 0) close(fd);
  return written;
}

// Needs root, or a kernel that lets users make namespaces. False with errno.
inline bool MountOwnShm() {
  const uid_t user = geteuid();
  const gid_t group = getegid();
  if (user != 0) {
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return false;
    if (!WriteText("/proc/self/setgroups", "deny")) return false;
    if (!WriteText("/proc/self/uid_map", "0 " + std::to_string(user) + " 1")) return false;
    if (!WriteText("/proc/self/gid_map", "0 " + std::to_string(group) + " 1")) return false;
  } else if (unshare(CLONE_NEWNS) != 0) {
    return false;
  }
  return mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
         mount("soak", "/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV, "size=1g") == 0;
}

}  // namespace multiproc::soak
