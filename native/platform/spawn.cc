#include "platform/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>

#include "platform/clock.h"

namespace multiproc {
namespace {

// Above all that are given to a child: while some are put in place, none that is still to be put is overwritten.
constexpr int kAboveGiven = 16;
// The standard streams, kLifelineDescriptor, kMemoryDescriptor.
constexpr int kGiven = 5;
static_assert(kLifelineDescriptor == 3 && kMemoryDescriptor == 4,
              "a child's descriptors are numbered as they are arranged");

int Above(int fd, Descriptor* out) {
  const int copy = fcntl(fd, F_DUPFD_CLOEXEC, kAboveGiven);
  if (copy < 0) return errno;
  *out = Descriptor(copy);
  return 0;
}

// Descriptors of the child: `held` keeps the copies until the program has been started.
int Arrange(const ProgramStart& start, posix_spawn_file_actions_t* actions, Descriptor (&held)[kGiven]) {
  const int sources[kGiven] = {start.standard[0], start.standard[1], start.standard[2], start.lifeline, start.memory};
  for (int target = 0; target < kGiven; target++) {
    const int source = sources[target];
    if (source == kNullDevice) {
      const int error = posix_spawn_file_actions_addopen(actions, target, "/dev/null", O_RDWR, 0);
      if (error != 0) return error;
      continue;
    }
    // Also one that is in its place already: it may be closed at the start of programs.
    int error = Above(source, &held[target]);
    // Without a standard stream of its own a process has none to give.
    if (error == EBADF && source == target) continue;
    if (error == 0) error = posix_spawn_file_actions_adddup2(actions, held[target].get(), target);
    if (error != 0) return error;
  }
  return 0;
}

std::vector<char*> Pointers(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (const std::string& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace

int StartProgram(const ProgramStart& start, int* pid) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  // What this process ignores or has blocked is its own business: an ignored SIGPIPE, above all, would be inherited.
  sigset_t every, none;
  sigfillset(&every);
  sigemptyset(&none);
  posix_spawnattr_setsigdefault(&attributes, &every);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
  Descriptor held[kGiven];
  int error = Arrange(start, &actions, held);
  if (error == 0) {
    const std::vector<char*> arguments = Pointers(start.arguments);
    const std::vector<char*> environment = Pointers(start.environment);
    error = posix_spawn(pid, start.file.c_str(), &actions, &attributes, arguments.data(), environment.data());
  }
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  return error;
}

void AwaitEnd(int pid) {
  siginfo_t info;
  while (waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT) != 0 && errno == EINTR) {
  }
}

bool TakeEnd(int pid, ProgramEnd* end) {
  int status = 0;
  pid_t taken;
  do {
    taken = waitpid(pid, &status, WNOHANG);
  } while (taken < 0 && errno == EINTR);
  // Somebody else in this process waits for all children there are, and has taken this one's.
  if (taken < 0 && errno == ECHILD) {
    *end = {kUnknownEnd, 0};
    return true;
  }
  if (taken != pid) return false;
  *end = WIFSIGNALED(status) ? ProgramEnd{0, WTERMSIG(status)} : ProgramEnd{WEXITSTATUS(status), 0};
  return true;
}

int SendSignal(int pid, int signal) { return kill(pid, signal) == 0 ? 0 : errno; }

int MakePipe(Descriptor* reading, Descriptor* writing) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return errno;
  Descriptor first(ends[0]), second(ends[1]);
  for (Descriptor* end : {&first, &second}) {
    *end = Descriptor(AboveStandardStreams(end->Release()));
    if (!end->valid()) return errno;
  }
  *reading = std::move(first);
  *writing = std::move(second);
  return 0;
}

int MakeMemoryFile(Descriptor* out) {
  *out = Descriptor(AboveStandardStreams(memfd_create("multiproc", MFD_CLOEXEC | MFD_ALLOW_SEALING)));
  return out->valid() ? 0 : errno;
}

void Seal(int fd) { fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL); }

bool HasHungUp(int reading, int64_t nanos) {
  const int64_t deadline = nanos < 0 ? INT64_MAX : MonotonicNanos() + nanos;
  for (;;) {
    int timeout = -1;
    if (nanos >= 0) {
      const int64_t left = std::max<int64_t>(deadline - MonotonicNanos(), 0);
      timeout = static_cast<int>(std::min<int64_t>((left + 999'999) / 1'000'000, INT32_MAX));
    }
    // Nobody writes into it, so there is nothing to be told but the end.
    pollfd watched{reading, 0, 0};
    const int ready = poll(&watched, 1, timeout);
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return false;
    if (ready == 0 && nanos >= 0 && MonotonicNanos() >= deadline) return false;
  }
}

void KeepFromChildren(int fd) { fcntl(fd, F_SETFD, FD_CLOEXEC); }

}  // namespace multiproc
