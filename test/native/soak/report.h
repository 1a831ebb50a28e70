// Report: the figures for people and as JSON, and what there was when something failed.
#pragma once

#include <string>

#include "figures.h"
#include "ledger.h"

namespace multiproc::soak {

// Where a process is in the kernel, or "".
inline std::string WhereIs(pid_t pid) {
  char text[100] = {};
  const int fd = open(("/proc/" + std::to_string(pid) + "/wchan").c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0 || read(fd, text, sizeof text - 1) < 0) text[0] = 0;
  if (fd >= 0) close(fd);
  return text;
}

inline void PrintState(const Ledger& ledger, const pid_t* pids, pid_t auditor) {
  const auto number = [](const std::atomic<uint64_t>& word) { return static_cast<unsigned long long>(word.load()); };
  fprintf(stderr, "phase %u, %llu audits, generation %llu\n", ledger.phase.load(), number(ledger.audits),
          number(ledger.generation));
  for (uint32_t i = 0; i <= kSeatCount; i++) {
    const Row& row = ledger.rows[i];
    fprintf(stderr, "seat %2u %-8s %6u pid %d: %s, object %u, message %llx, %llu operations, in %s\n", i, NameOfSeat(i),
            row.incarnation.load(), i == kSeatCount ? auditor : pids[i], NameOf(row.doing.load()), row.object.load(),
            number(row.message), number(row.operations), WhereIs(i == kSeatCount ? auditor : pids[i]).c_str());
  }
  for (uint32_t i = 0; i < kRingCount; i++) {
    const RingBooks& books = ledger.rings[i];
    fprintf(stderr, "%-8s head %llu, tail %llu, flags %llx, waiting %llx, settled: put %llu, got %llu\n",
            kRings[i].name, number(books.head), number(books.tail), number(books.flags), number(books.waiting),
            number(books.put), number(books.received));
  }
  for (uint32_t i = 0; i < kStreams; i++) {
    fprintf(stderr, "stream %u: %llu entered, %llu settled\n", i, number(ledger.streams[i].next),
            number(ledger.streams[i].settled));
  }
  for (uint32_t i = 0; i < kLocks; i++) {
    const Guarded& guarded = ledger.locks[i];
    fprintf(stderr, "lock %u: inside %u, %llu entries, %llu told, %llu of nobody, %llu died around, %llu inside\n", i,
            guarded.inside.load(), number(guarded.entries), number(guarded.told), number(guarded.told_of_nobody),
            number(guarded.died_around), number(guarded.died_inside));
  }
}

// A JSON object, written member by member.
class Json {
 public:
  explicit Json(FILE* file) : file_(file) { fputc('{', file_); }
  void End() { fputs("\n}", file_); }
  void Add(const char* name, uint64_t value) {
    Name(name);
    fprintf(file_, "%llu", static_cast<unsigned long long>(value));
  }
  void Add(const char* name, double value) {
    Name(name);
    fprintf(file_, "%.3f", value);
  }

 private:
  void Name(const char* name) {
    fprintf(file_, "%s\n  \"%s\": ", first_ ? "" : ",", name);
    first_ = false;
  }
  FILE* file_;
  bool first_ = true;
};

inline void WriteJson(FILE* file, const Ledger& ledger, const Figures& figures, uint64_t seed) {
  const auto ring_sum = [&](std::atomic<uint64_t> RingBooks::*what) {
    uint64_t sum = 0;
    for (const RingBooks& books : ledger.rings) sum += (books.*what).load();
    return sum;
  };
  const auto lock_sum = [&](std::atomic<uint64_t> Guarded::*what) {
    uint64_t sum = 0;
    for (const Guarded& guarded : ledger.locks) sum += (guarded.*what).load();
    return sum;
  };
  const auto sum_of = [](const std::atomic<uint64_t>(&counts)[kDoings]) {
    uint64_t sum = 0;
    for (const std::atomic<uint64_t>& count : counts) sum += count.load();
    return sum;
  };
  uint64_t longest = 0;
  for (const RingBooks& books : ledger.rings) longest = std::max(longest, books.longest.load());
  const double kills = static_cast<double>(std::max<uint64_t>(figures.kills, 1));
  Json json(file);
  json.Add("seed", seed);
  json.Add("seconds", figures.seconds);
  json.Add("kills", figures.kills);
  json.Add("killsPerSecond", static_cast<double>(figures.kills) / figures.seconds);
  json.Add("longestGapMs", static_cast<double>(figures.longest_gap) / 1e6);
  json.Add("longestGapWithAProcessorMs", static_cast<double>(figures.longest_fair_gap) / 1e6);
  json.Add("killedPastAttachPercent", 100 * static_cast<double>(figures.killed_at_work) / kills);
  json.Add("killedPastFirstOperationPercent", 100 * static_cast<double>(figures.killed_after_an_operation) / kills);
  json.Add("medianOperationsOfTheKilledAtLeast", figures.MedianOperations());
  json.Add("meanOperationsOfTheKilled", static_cast<double>(figures.operations_of_the_dead) / kills);
  json.Add("stops", figures.stops);
  json.Add("killedWhileStopped", figures.killed_while_stopped);
  json.Add("fewestOperationsOfOthersDuringAStop",
           figures.stops > 0 && figures.fewest_meanwhile != UINT64_MAX ? figures.fewest_meanwhile : 0);
  json.Add("messagesPut", ring_sum(&RingBooks::put));
  json.Add("messagesReceived", ring_sum(&RingBooks::received));
  json.Add("takenAlongByKilledGetters", ring_sum(&RingBooks::lost_with_killed));
  json.Add("putsThatDidNotReturnButCount", ring_sum(&RingBooks::unreturned_put));
  json.Add("putsThatDidNotReturnAndDoNot", ring_sum(&RingBooks::unreturned_dropped));
  json.Add("aborted", ring_sum(&RingBooks::aborted));
  json.Add("redelivered", ring_sum(&RingBooks::redelivered));
  json.Add("requeued", ring_sum(&RingBooks::requeued));
  json.Add("late", ring_sum(&RingBooks::late));
  json.Add("deathsInsideTryClaim", ring_sum(&RingBooks::died_claiming));
  json.Add("spilled", ring_sum(&RingBooks::spilled));
  json.Add("empty", ring_sum(&RingBooks::empty));
  json.Add("longestMessage", longest);
  json.Add("megabytes", ring_sum(&RingBooks::bytes) >> 20);
  json.Add("lockEntries", lock_sum(&Guarded::entries));
  json.Add("ownersKilledInside", lock_sum(&Guarded::died_inside));
  json.Add("ownersKilledAround", lock_sum(&Guarded::died_around));
  json.Add("deathsTold", lock_sum(&Guarded::told));
  json.Add("deathsToldThatTheLedgerDidNotSee", lock_sum(&Guarded::told_of_nobody));
  json.Add("permitsUsed", ledger.semaphore_uses.load());
  json.Add("permitsOfTheDead", ledger.permits_returned.load() + ledger.permits_lost_unknown.load());
  json.Add("permitCounts", ledger.permit_audits.load());
  json.Add("notificationsGiven", ledger.grants_ended.load());
  json.Add("notificationsTaken", ledger.grants_taken.load());
  json.Add("eventWaits", ledger.event_waits.load());
  json.Add("partiesReleased", ledger.barrier.released.load());
  json.Add("partiesThatSawABrokenBarrier", ledger.barrier.broken.load());
  json.Add("segmentsMade", ledger.segments_made.load());
  json.Add("segmentsOpened", ledger.segments_opened.load());
  json.Add("segmentsUnlinked", ledger.segments_unlinked.load());
  json.Add("orphansSwept", ledger.swept.load());
  json.Add("rejoined", ledger.rejoined.load());
  json.Add("audits", ledger.audits.load());
  json.Add("sleeps", ledger.waits.load());
  json.Add("sleepsEndedByTheSlice", sum_of(ledger.woken_by_slice));
  json.Add("sleepsInCalm", ledger.waits_in_calm.load());
  json.Add("sleepsInCalmEndedByTheSlice", sum_of(ledger.woken_by_slice_in_calm));
  json.Add("longestOperationMs", static_cast<double>(figures.longest_stall) / 1e6);
  json.Add("longestStandstillOfALineMs", static_cast<double>(figures.longest_line) / 1e6);
  json.Add("timeCountedPercent", 100 * figures.share);
  json.Add("supervisorDescriptors", figures.at_last.descriptors);
  json.Add("supervisorKilobytes", figures.at_last.private_kilobytes);
  for (uint32_t i = 0; i < kDoings; i++) {
    const std::string name = std::string("killed ") + NameOf(static_cast<Doing>(i));
    if (figures.died[i] > 0) json.Add(name.c_str(), figures.died[i]);
  }
  json.End();
  fputc('\n', file);
}

}  // namespace multiproc::soak
