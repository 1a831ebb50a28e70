#include "platform/thread_list.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <string>

namespace multiproc {
namespace {

// More than any coming and going needs; for a /proc that does not count threads.
constexpr int kMostListings = 1000;

// By the names that /proc uses, which in a container can be others than those that gettid() gives.
void ListOnce(DIR* folder, std::set<int>* out) {
  out->clear();
  rewinddir(folder);
  while (const dirent* entry = readdir(folder)) {
    if (entry->d_name[0] != '.') out->insert(atoi(entry->d_name));
  }
}

// Two links are those of the folder itself.
bool IsCount(DIR* folder, size_t count) {
  struct stat info {};
  return fstat(dirfd(folder), &info) != 0 || info.st_nlink == count + 2;
}

}  // namespace

bool ListThreads(std::set<int>* out) {
  DIR* folder = opendir("/proc/self/task");
  if (folder == nullptr) return false;
  // The kernel goes from thread to thread: where one ends under its feet, the list ends too, without those behind it.
  // Who was listed, counted and is still there was all there was when they were counted.
  for (int i = 0; i < kMostListings; i++) {
    ListOnce(folder, out);
    if (IsCount(folder, out->size()) && std::all_of(out->begin(), out->end(), HasThread)) break;
  }
  closedir(folder);
  return true;
}

bool HasThread(int number) {
  return access(("/proc/self/task/" + std::to_string(number)).c_str(), F_OK) == 0 || errno != ENOENT;
}

}  // namespace multiproc
