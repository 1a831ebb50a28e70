// Figures: how much was done, and how well the kills hit.
#pragma once

#include <bit>

#include "ledger.h"
#include "shm_files.h"

namespace multiproc::soak {

// What a process has that grows when it leaks.
struct Resources {
  uint64_t descriptors = 0, private_kilobytes = 0;

  static Resources Now() {
    Resources now;
    for (int fd = 0; fd < 1024; fd++) now.descriptors += fcntl(fd, F_GETFD) >= 0 ? 1 : 0;
    FILE* status = fopen("/proc/self/status", "re");
    CHECK(status != nullptr);
    char line[200];
    unsigned long long kilobytes = 0;
    while (fgets(line, sizeof line, status) != nullptr)
      if (sscanf(line, "RssAnon: %llu", &kilobytes) == 1) now.private_kilobytes = kilobytes;
    fclose(status);
    return now;
  }
};

struct Figures {
  void Count(Doing doing, bool attached, uint64_t operations) {
    died[static_cast<uint32_t>(doing)]++;
    killed_at_work += attached ? 1 : 0;
    killed_after_an_operation += operations > 0 ? 1 : 0;
    operations_of_the_dead += operations;
    by_operations[std::bit_width(operations)]++;
  }
  // At least so many had been completed by half of the killed.
  uint64_t MedianOperations() const {
    uint64_t all = 0, seen = 0;
    for (const uint64_t count : by_operations) all += count;
    for (uint32_t bits = 0; bits < 64; bits++) {
      seen += by_operations[bits];
      if (2 * seen > all) return bits == 0 ? 0 : uint64_t{1} << (bits - 1);
    }
    return 0;
  }

  double seconds = 0, share = 0;
  uint64_t kills = 0, stops = 0, killed_while_stopped = 0;
  uint64_t killed_at_work = 0, killed_after_an_operation = 0, operations_of_the_dead = 0;
  uint64_t fewest_meanwhile = UINT64_MAX;
  int64_t longest_gap = 0, longest_fair_gap = 0, longest_stall = 0, longest_line = 0;
  uint64_t died[kDoings] = {}, by_operations[65] = {};
  Resources at_first, at_last;
};

}  // namespace multiproc::soak
