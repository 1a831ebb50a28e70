#include "platform/thread_list.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include <string>

namespace multiproc {

bool ListThreads(std::set<int>* out) {
  // By the names that /proc uses, which in a container can be others than those that gettid() gives.
  DIR* folder = opendir("/proc/self/task");
  if (folder == nullptr) return false;
  while (const dirent* entry = readdir(folder)) {
    if (entry->d_name[0] != '.') out->insert(atoi(entry->d_name));
  }
  closedir(folder);
  return true;
}

bool HasThread(int number) {
  return access(("/proc/self/task/" + std::to_string(number)).c_str(), F_OK) == 0 || errno != ENOENT;
}

}  // namespace multiproc
