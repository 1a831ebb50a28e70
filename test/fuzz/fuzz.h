// Fuzz: what the fuzz targets are written in. An input is a program: operations on shared memory, and lies about it.
//
// A lie overwrites shared memory at a chosen access of an operation, between what it has read and what it reads next. A
// finding is a crash, a report of a sanitizer, an access outside of what the target may touch, an outcome that is not
// documented, or an operation that makes more accesses than it can need.
#pragma once

#include <sanitizer/asan_interface.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <initializer_list>
#include <set>
#include <vector>

#include "check.h"
#include "core/layout.h"
#include "core/status.h"

namespace multiproc::fuzz {

// The bytes of an input, in order; zeros behind their end.
class Input {
 public:
  Input(const uint8_t* bytes, size_t size) : at_(bytes), end_(bytes + size) {}

  bool ended() const { return at_ == end_; }
  uint8_t Byte() { return ended() ? 0 : *at_++; }
  uint64_t Number(int bytes) {
    uint64_t number = 0;
    for (int i = 0; i < bytes; i++) number |= uint64_t{Byte()} << (8 * i);
    return number;
  }
  uint64_t Below(uint64_t bound) { return Number(bound <= 256 ? 1 : bound <= 65536 ? 2 : 4) % bound; }
  // Small numbers, powers of two and their neighbours, or anything.
  uint64_t Odd() {
    const uint8_t how = Byte();
    if (how < 96) return how;
    if (how < 192) return (uint64_t{1} << (how & 63)) + Byte() % 5 - 2;
    return how < 224 ? ~uint64_t{0} - Byte() : Number(8);
  }

 private:
  const uint8_t* at_;
  const uint8_t* end_;
};

[[noreturn]] inline void Finding(const char* what, const char* operation) {
  fprintf(stderr, "FINDING: %s, in %s\n", what, operation);
  abort();
}

struct Lie {
  enum How : uint8_t { kSet, kFlip, kAdd, kHows };

  uint64_t at;  // at this access from the beginning of the operation
  char* where;
  uint32_t bytes;  // 1, 2, 4 or 8
  How how;
  uint64_t value;

  void Tell() const {
    uint64_t word = 0;
    memcpy(&word, where, bytes);
    word = how == kSet ? value : how == kFlip ? word ^ uint64_t { 1 } << (value % (bytes * 8)) : word + value;
    memcpy(where, &word, bytes);
  }
};

// The operation under way. One thread acts for all participants.
class Operation {
 public:
  // `most`: accesses that it can need while nobody lies; each lie may make it start over.
  static void Begin(const char* name, uint64_t most, std::vector<Lie> lies) {
    Operation& now = Now();
    now = {name, 0, most * (lies.size() + 2), std::move(lies)};
  }
  static void Hit() {
    Operation& now = Now();
    if (++now.accesses_ > now.most_) Finding("it goes on without end", now.name_);
    for (const Lie& lie : now.lies_) {
      if (lie.at == now.accesses_) lie.Tell();
    }
  }
  static void Require(bool fact, const char* what) {
    if (!fact) Finding(what, Now().name_);
  }
  static int64_t OneOf(int64_t status, std::initializer_list<int64_t> documented) {
    for (const int64_t each : documented) {
      if (status == each) return status;
    }
    fprintf(stderr, "status %lld\n", static_cast<long long>(status));
    Finding("an outcome that is not documented", Now().name_);
  }

 private:
  static Operation& Now() {
    static Operation now{"no operation", 0, UINT64_MAX, {}};
    return now;
  }
  Operation(const char* name, uint64_t accesses, uint64_t most, std::vector<Lie> lies)
      : name_(name), accesses_(accesses), most_(most), lies_(std::move(lies)) {}

  const char* name_;
  uint64_t accesses_;
  uint64_t most_;
  std::vector<Lie> lies_;
};

// A number of bytes of shared memory about which may be lied.
struct Region {
  char* base;
  uint64_t bytes;
};

// Up to three lies; most are told early in the operation.
inline std::vector<Lie> LiesOf(Input& in, const std::vector<Region>& regions) {
  std::vector<Lie> lies;
  for (int left = in.Byte() % 4; left > 0; left--) {
    const uint64_t at = in.Byte() % 4 == 0 ? in.Below(2048) + 1 : in.Below(64) + 1;
    const Region& region = regions[in.Below(regions.size())];
    const uint32_t bytes = 1u << (in.Byte() % 4);
    if (region.bytes < bytes) continue;
    const uint64_t offset = in.Below(region.bytes / bytes) * bytes;
    const auto how = static_cast<Lie::How>(in.Byte() % Lie::kHows);
    lies.push_back({at, region.base + offset, bytes, how, in.Odd()});
  }
  return lies;
}

// From here on an access to [from, to) is a finding. Shadow memory knows 8 bytes at a time.
inline void Forbid(const void* from, const void* to) {
  const char* const begin = static_cast<const char*>(from);
  const char* const end = static_cast<const char*>(to);
  if (begin < end) __asan_poison_memory_region(begin, static_cast<size_t>(end - begin));
}

// Makes something that maps memory, with a page behind and one before the mapping that nobody may touch.
// `extent(made)` says where it lies. What has a stranger behind it is left where it is, with a fence before it: the
// next one usually goes right below that.
template <typename Make, typename Extent>
auto Fenced(Make make, Extent extent) {
  static std::set<char*> fences;
  const auto fence = [](char* at) {
    const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE;
    return fences.count(at) != 0 || (mmap(at, 4096, PROT_NONE, flags, -1, 0) == at && fences.insert(at).second);
  };
  for (int attempt = 0; attempt < 16; attempt++) {
    auto made = make();
    const Region region = extent(*made);
    const bool before = fence(region.base - 4096), behind = fence(region.base + region.bytes);
    if (before && behind) return made;
    static std::vector<decltype(made)> strays;
    strays.push_back(std::move(made));
  }
  fprintf(stderr, "Cannot fence a mapping: its neighbours are taken\n");
  exit(1);
}

}  // namespace multiproc::fuzz

namespace multiproc::fault {

void Hit() { fuzz::Operation::Hit(); }

}  // namespace multiproc::fault
