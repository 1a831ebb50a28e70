// Mapping: a file mapped into this process, the tail of it optionally twice in a row.
//
// The double mapping of a ring's data makes every record contiguous: the byte after the last line is the first line
// again.
#pragma once

#include <cstdint>

namespace multiproc {

class Mapping {
 public:
  Mapping() = default;
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  ~Mapping();

  // Maps [0, size) of the file, and [size - twice, size) once more right behind it. `twice` may be 0.
  // REQUIRES: both multiples of the page size when twice > 0. Returns 0 or errno.
  int Map(int fd, uint64_t size, uint64_t twice);

  // Gives the file's memory back although somebody may still look at the range, which from now on is private and zero.
  // 0 or errno.
  int Discard();

  // As Discard(), but the range keeps its contents, in private memory: O(length), and that much memory. 0 or errno, and
  // then nothing has changed. REQUIRES: not mapped twice.
  int Detach();

  char* base() const { return base_; }
  uint64_t length() const { return length_; }

 private:
  char* base_ = nullptr;
  uint64_t length_ = 0;
};

// Size of a memory page of this machine.
uint64_t PageSize();

}  // namespace multiproc
