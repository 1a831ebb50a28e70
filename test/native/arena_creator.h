// An arena's creator and what it makes.
#pragma once

#include <string>

#include "unnamed_segment.h"

namespace multiproc {

inline BlockRequest Bytes(uint64_t bytes, std::string meta = "") {
  BlockRequest request;
  request.kind = ObjectKind::kValue;
  request.data_bytes = bytes;
  request.meta = std::move(meta);
  return request;
}

struct Creator : ArenaMember {
  explicit Creator(const ArenaSegment& segment) : ArenaMember(segment) {
    Join();
    body.BecomeCreator();
  }
};

inline bool Valid(const Block& block) { return block.offset() != 0; }

}  // namespace multiproc
