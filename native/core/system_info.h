// SystemInfo: facts about the machine for people and for tuning.
#pragma once

#include <cstdint>
#include <string>

namespace multiproc {

struct SystemInfo {
  std::string kernel;
  std::string libc;
  uint64_t shm_free = 0;
  uint64_t shm_total = 0;
  bool futex_waitv = false;
  // Do open-file-description locks work on /dev/shm? Tried with two descriptions of an unnamed file.
  bool ofd_locks = false;
};

SystemInfo ReadSystemInfo();
int UsableProcessors();

}  // namespace multiproc
