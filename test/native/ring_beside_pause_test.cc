// The ring one of whose users is stopped at every shared write and system call, beside one other and three others.

#include "ring_stops.h"

namespace multiproc {
namespace {

TEST(stopped_beside_one_other_is_not_dead) { StopBeside(kScenarios, 1); }

TEST(stopped_beside_three_others_is_not_dead) { StopBeside(kScenarios, 3); }

}  // namespace
}  // namespace multiproc
