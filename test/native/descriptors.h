// What a process has open, and how many descriptors it may have.
#pragma once

#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>

#include <map>
#include <string>

#include "check.h"

namespace multiproc {

// The open descriptors of this process, and what they refer to.
inline std::map<int, std::string> OpenDescriptors() {
  std::map<int, std::string> open;
  DIR* folder = opendir("/proc/self/fd");
  CHECK(folder != nullptr);
  while (const dirent* entry = readdir(folder)) {
    const int fd = atoi(entry->d_name);
    char target[256] = {};
    if (entry->d_name[0] == '.' || fd == dirfd(folder)) continue;
    CHECK(readlinkat(dirfd(folder), entry->d_name, target, sizeof target - 1) >= 0);
    open[fd] = target;
  }
  closedir(folder);
  return open;
}

// While it exists this process can open `more` descriptors, and not one beyond.
class DescriptorLimit {
 public:
  explicit DescriptorLimit(int more) {
    CHECK_EQ(getrlimit(RLIMIT_NOFILE, &before_), 0);
    // The lowest ones that are free are given away.
    std::vector<int> next;
    for (int i = 0; i <= more; i++) next.push_back(open("/dev/null", O_RDONLY | O_CLOEXEC));
    rlimit limit = before_;
    limit.rlim_cur = static_cast<rlim_t>(next.back());
    for (const int fd : next) close(fd);
    CHECK_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
  }
  ~DescriptorLimit() { setrlimit(RLIMIT_NOFILE, &before_); }
  DescriptorLimit(const DescriptorLimit&) = delete;
  DescriptorLimit& operator=(const DescriptorLimit&) = delete;

 private:
  rlimit before_;
};

}  // namespace multiproc
