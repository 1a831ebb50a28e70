// RunWorkers: the same body in many processes at a time, for tests that spend their time waiting.
#pragma once

#include "child.h"

namespace multiproc {

// Returns when all have ended; fails if one of them failed.
template <typename Body>
void RunWorkers(uint32_t count, Body body) {
  std::vector<Child> workers;
  for (uint32_t i = 0; i < count; i++) workers.push_back(Child([&] { body(i); }));
  for (Child& worker : workers) CHECK_EQ(worker.Wait(), 0);
}

}  // namespace multiproc
