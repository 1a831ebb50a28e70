// What lies in /dev/shm.
#pragma once

#include <string>
#include <vector>

#include "check.h"
#include "platform/shm_file.h"

namespace multiproc {

inline std::vector<std::string> FilesWithPrefix(const std::string& prefix) {
  std::vector<std::string> names;
  CHECK(ListShmFiles(prefix, &names));
  return names;
}

}  // namespace multiproc
