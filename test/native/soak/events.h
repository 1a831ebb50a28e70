// Events: setting one for a moment.
#pragma once

#include "core/event.h"
#include "ledger.h"

namespace multiproc::soak {

// Whoever had begun to wait is let go, although it is cleared at once.
inline void SetAndClear(Ledger& ledger, const Block& block) {
  Event event(block);
  const uint32_t epoch = event.Epoch();
  event.Set();
  event.Clear();
  if (event.Test(epoch) != kOk) ledger.Fail("an event that was set and cleared lets nobody go");
}

}  // namespace multiproc::soak
