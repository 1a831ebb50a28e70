// MessageParts: a message as JavaScript hands it over.
#pragma once

#include <algorithm>

#include "binding/arguments.h"

namespace multiproc {

// The two parts of a message: the encoder's scratch memory and a body that was not copied there.
struct MessageParts {
  const char* head;
  uint64_t head_bytes;
  char* body;
  uint64_t body_bytes;

  template <typename Call>
  MessageParts(const Call& call, size_t head_argument, size_t body_argument) {
    const int32_t wanted = call.Int(head_argument);
    head = call.environment().scratch;
    head_bytes = wanted > 0 ? std::min(static_cast<uint64_t>(wanted), call.environment().scratch_bytes) : 0;
    call.Bytes(body_argument, &body, &body_bytes);
  }

  uint64_t bytes() const { return head_bytes + body_bytes; }
};

}  // namespace multiproc
