// soak: producers, consumers and users of everything else are killed and stopped at random while they work, with a
// ledger that is checked all the while. Actors are forked and use the core directly, so that what dies is at work.
#include <getopt.h>
#include <inttypes.h>

#include "own_shm.h"
#include "supervisor.h"

namespace multiproc::soak {
namespace {

constexpr const char* kUsage =
    "soak [--seconds S] [--kills-per-second K] [--seed N] [--json FILE]\n"
    "\n"
    "Kills an actor on average every 1/K seconds (25 a second by default) for S seconds (10), and checks the ledger\n"
    "throughout. In the last twentieth (1 to 5 seconds) nobody is killed: there nothing may be late or left over.\n"
    "The figures go to FILE as JSON. It ends with 0 if every rule held, with 1 otherwise.\n"
    "\n"
    "The seed decides who is killed or stopped after which time, and what each process that is started wants to do,\n"
    "in which order, with messages of which lengths. It does not decide how far a process has come when it is\n"
    "killed, nor who of several gets a message or a lock: that is the machine's doing.\n";

int Usage() {
  fputs(kUsage, stderr);
  return 2;
}

bool Number(const char* text, double most, double* value) {
  char* end;
  *value = strtod(text, &end);
  return end != text && *end == 0 && *value > 0 && *value <= most;
}

// Kills that found nobody at work, or leaks of our own, would be no soak.
void CheckFigures(const Task& task, const Figures& figures) {
  CHECK(figures.kills >= task.LeastKills());
  CHECK(figures.killed_at_work * 10 >= figures.kills * 9);
  CHECK(figures.at_last.descriptors <= figures.at_first.descriptors);
  CHECK(figures.at_last.private_kilobytes <= figures.at_first.private_kilobytes + 8192);
}

int Run(const Task& task, const char* json) {
  printf("seed %" PRIu64 ", %.0f seconds, %.0f kills a second\n", task.seed, task.seconds, task.kills_per_second);
  Supervisor supervisor(task);
  const Figures figures = supervisor.Run();
  WriteJson(stdout, supervisor.ledger(), figures, task.seed);
  if (json != nullptr) {
    FILE* file = fopen(json, "we");
    CHECK(file != nullptr);
    WriteJson(file, supervisor.ledger(), figures, task.seed);
    CHECK_EQ(fclose(file), 0);
  }
  CheckFigures(task, figures);
  return 0;
}

int Main(int argc, char** argv) {
  const option options[] = {
      {"seconds", required_argument, nullptr, 's'}, {"kills-per-second", required_argument, nullptr, 'k'},
      {"seed", required_argument, nullptr, 'n'},    {"json", required_argument, nullptr, 'j'},
      {"help", no_argument, nullptr, 'h'},          {}};
  Task task;
  RandomBytes(&task.seed, 4);
  const char* json = nullptr;
  double seed = 0;
  for (int which; (which = getopt_long(argc, argv, "", options, nullptr)) != -1;) {
    if (which == 'h') return fputs(kUsage, stdout), 0;
    if (which == 's' && !Number(optarg, 1e6, &task.seconds)) return Usage();
    if (which == 'k' && !Number(optarg, 1000, &task.kills_per_second)) return Usage();
    if (which == 'n' && !Number(optarg, UINT32_MAX, &seed) && strcmp(optarg, "0") != 0) return Usage();
    if (which == 'n') task.seed = static_cast<uint64_t>(seed);
    if (which == 'j') json = optarg;
    if (which == '?') return Usage();
  }
  if (optind != argc) return Usage();
  check::current = "soak";
  // The rules end hangs of actors; this ends those of the supervisor itself.
  check::MachineClock clock;
  check::machine_clock = &clock;
  clock.Watch(check::current, static_cast<int64_t>(task.seconds * 1e9) + 2 * check::kWatchdogNanos);
  setvbuf(stdout, nullptr, _IOLBF, 0);
  if (!MountOwnShm()) {
    fprintf(stderr, "soak: cannot mount a /dev/shm of its own: %s\n", strerror(errno));
    return 1;
  }
  try {
    return Run(task, json);
  } catch (const check::Failed&) {
    fprintf(stderr, "soak failed; seed %" PRIu64 "\n", task.seed);
    return 1;
  }
}

}  // namespace
}  // namespace multiproc::soak

int main(int argc, char** argv) { return multiproc::soak::Main(argc, argv); }
