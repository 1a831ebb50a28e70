// The ends of a pipe one of whose users is killed, or stopped, at every shared write and system call between the
// opening and the closing of its end. Those at the other end are told within a second once the last user has gone, and
// not before; a stopped user has not gone.

#include "ring_ends_scene.h"
#include "short_form.h"
#include "worker_pool.h"

namespace multiproc {
namespace {

// Contention makes the number of points vary: on until so many in a row were not met.
constexpr uint64_t kGotBy = 6;

struct Tally {
  std::atomic<uint64_t> next{1}, killed{0}, got_by{0};
  std::atomic<int64_t> longest{0};
};
struct Tallies {
  Tally of[std::size(kEndsPlans)][3];
};
constexpr uint32_t kOthers[] = {0, 1, 3};

TEST(the_other_end_is_told_when_the_last_user_is_killed) {
  SharedWithChildren<Tallies> tallies;
  // Most of a kill is waiting for the end of a slice: many at a time.
  RunWorkers(24, [&](uint32_t) {
    for (size_t p = 0; p < std::size(kEndsPlans); p++) {
      for (size_t o = 0; o < std::size(kOthers); o++) {
        Tally& tally = tallies->of[p][o];
        while (tally.got_by < kGotBy) {
          EndsScene scene(kEndsPlans[p], tally.next++, kOthers[o], false);
          if (scene.AwaitEnd()) {
            tally.killed++;
            tally.got_by = 0;
          } else {
            tally.got_by++;
          }
          tally.longest = std::max<int64_t>(tally.longest, scene.longest());
        }
      }
    }
  });
  uint64_t points = 0;
  int64_t longest = 0;
  for (size_t p = 0; p < std::size(kEndsPlans); p++) {
    printf("%s: killed at", kEndsPlans[p].name);
    for (const Tally& tally : tallies->of[p]) {
      printf(" %llu", static_cast<unsigned long long>(tally.killed));
      CHECK(tally.killed > 10);
      points += tally.killed;
      longest = std::max<int64_t>(longest, tally.longest);
    }
    printf(" points, beside 0, 1 and 3 others\n");
  }
  printf("total: %llu kill points of ends; longest wait %lld ms\n", static_cast<unsigned long long>(points),
         static_cast<long long>(longest / 1'000'000));
  CHECK(longest > 0);
}

// Stopped at the same time.
constexpr size_t kMany = 60;

void CheckAndContinue(std::list<EndsScene>& scenes) {
  LetAPauseBe();
  for (EndsScene& scene : scenes) scene.CheckInPause();
  for (EndsScene& scene : scenes) scene.Continue();
  for (EndsScene& scene : scenes) CHECK(!scene.AwaitEnd());
  scenes.clear();
}

TEST(a_stopped_user_of_an_end_has_not_gone) {
  const uint64_t seed = FreshSeed();
  const uint64_t step = OneOf(3, 4);
  uint64_t points = 0;
  std::list<EndsScene> scenes;
  for (const EndsPlan& plan : kEndsPlans) {
    for (const uint32_t others : kOthers) {
      uint64_t here = 0, got_by = 0;
      for (uint64_t k = 1 + seed % step; got_by < kGotBy; k += step) {
        EndsScene& scene = scenes.emplace_back(plan, k, others, true);
        if (scene.AwaitStop()) {
          here++;
          got_by = 0;
        } else {
          CHECK(!scene.AwaitEnd());
          scenes.pop_back();
          got_by++;
        }
        if (scenes.size() == kMany) CheckAndContinue(scenes);
      }
      CHECK(here > 10 / step);
      points += here;
    }
  }
  CheckAndContinue(scenes);
  printf("total: %llu stop points of ends\n", static_cast<unsigned long long>(points));
}

}  // namespace
}  // namespace multiproc
