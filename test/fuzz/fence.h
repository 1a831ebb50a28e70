// Fences: an access outside of what a target may touch is a finding.
#pragma once

#include <sanitizer/asan_interface.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include <set>
#include <utility>
#include <vector>

#include "lies.h"

namespace multiproc::fuzz {

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
