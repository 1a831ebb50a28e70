// An object of an arena and two participants that use it: its creator and another one.
#pragma once

#include "unnamed_segment.h"

namespace multiproc {

struct TwoUsers {
  explicit TwoUsers(const BlockRequest& request) : me(segment), other(segment) {
    me.Join();
    me->BecomeCreator();
    other.Join();
    mine = me->Allocate(request);
    CHECK(other->Attach(mine.offset(), mine.generation(), &theirs));
  }
  explicit TwoUsers(ObjectKind kind = ObjectKind::kLock) : TwoUsers(Of(kind)) {}

  ArenaSegment segment;
  ArenaMember me, other;
  Block mine, theirs;
};

}  // namespace multiproc
