// Points: what happens at each access to a shared word, in a core built with MULTIPROC_INTERLEAVING_POINTS.
#pragma once

#include <functional>

#include "platform/fault_point.h"

namespace multiproc {

// Called at every access; empty: nothing happens.
inline std::function<void()> at_point;

namespace fault {

void Hit() {
  if (at_point) at_point();
}

}  // namespace fault
}  // namespace multiproc
