// Rounds: what became of each round of the barrier, as its parties write it down.
#pragma once

#include "core/status.h"
#include "ledger.h"

namespace multiproc::soak {

// A round is released or broken, for all alike, and each party of it has another index.
inline void WriteDown(Ledger& ledger, uint32_t number, uint32_t index, Status status) {
  if (status != kOk && status != kBroken) ledger.Fail("round %u ended with status %d", number, status);
  Rounds& rounds = ledger.barrier;
  std::atomic<uint64_t>& word = rounds.rounds[number % Rounds::kKept];
  uint64_t newest = rounds.newest.load();
  while (number > newest && !rounds.newest.compare_exchange_weak(newest, number)) continue;
  // Who comes back after more rounds than the barrier remembers is told the worse of what it does remember.
  if (newest > number + Rounds::kRemembered) return;
  uint64_t before = word.load();
  Rounds::Round round;
  do {
    round = Rounds::Round::Unpack(before);
    if (round.number != number) round = {number, 0, 0, 0};
    if ((round.indices >> index & 1) != 0) ledger.Fail("two parties of round %u have index %u", number, index);
    round.indices |= 1u << index;
    (status == kOk ? round.released : round.broken)++;
    if (round.released > 0 && round.broken > 0)
      ledger.Fail("round %u was released for %u and broken for %u", number, round.released, round.broken);
  } while (!word.compare_exchange_weak(before, round.Pack()));
  (status == kOk ? rounds.released : rounds.broken).fetch_add(1);
}

}  // namespace multiproc::soak
