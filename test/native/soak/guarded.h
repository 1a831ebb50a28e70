// Guarded: what owners of a lock check when they come in and when they go out.
//
// What the ledger cannot see: a death inside TryAcquire, before the owner is written down, and one inside Release,
// after it was crossed out. Then the next owner may be told of a death that the ledger knows nothing of; the supervisor
// counts these deaths, and there must be one for each.
#pragma once

#include "ledger.h"

namespace multiproc::soak {

inline void ComeIn(Ledger& ledger, Object object, uint32_t me, bool told) {
  const uint32_t number = static_cast<uint32_t>(object);
  Guarded& guarded = ledger.locks[number];
  const uint32_t before = guarded.inside.load();
  if (before != 0 && ledger.Lives(before))
    ledger.Fail("%u came into lock %u beside %u, which lives", me, number, before);
  if (before != 0 && !told) ledger.Fail("%u was not told that %u died in lock %u", me, before, number);
  if (before == 0 && guarded.first != guarded.second) ledger.Fail("lock %u has let two in", number);
  if (before == 0 && told) guarded.told_of_nobody.fetch_add(1);
  guarded.inside.store(me);
  if (told) guarded.told.fetch_add(1);
  guarded.second = guarded.first;
  guarded.first = guarded.first + 1;
}

inline void GoOut(Ledger& ledger, Object object, uint32_t me) {
  const uint32_t number = static_cast<uint32_t>(object);
  Guarded& guarded = ledger.locks[number];
  guarded.second = guarded.second + 1;
  const uint32_t inside = guarded.inside.load();
  if (inside != me) ledger.Fail("%u came into lock %u beside %u", inside, number, me);
  if (guarded.first != guarded.second) ledger.Fail("lock %u has let somebody in beside %u", number, me);
  guarded.entries.fetch_add(1);
  guarded.inside.store(0);
}

}  // namespace multiproc::soak
