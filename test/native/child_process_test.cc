// Children that are processes: their descriptors, signals and ends, and starts that fail.

#include "core/child_process.h"

#include <set>
#include <sstream>
#include <thread>

#include "child.h"
#include "core/lifeline.h"
#include "descriptors.h"
#include "platform/clock.h"

namespace multiproc {
namespace {

constexpr int64_t kLong = 60'000'000'000;

ProgramStart Shell(const std::string& script, int output = kNullDevice) {
  return {"/bin/sh",   {"sh", "-c", script}, {"PATH=/usr/bin:/bin", "GIVEN=for it"}, {kNullDevice, output, 2},
          kNullDevice, kNullDevice};
}

// The ends of one child.
struct Started {
  std::shared_ptr<ChildProcess> child;
  std::shared_ptr<std::atomic<int>> told = std::make_shared<std::atomic<int>>(0);

  explicit Started(const ProgramStart& start) {
    CHECK_EQ(ChildProcess::Start(
                 start, [told = told] { (*told)++; }, &child),
             0);
  }
  ProgramEnd AwaitEnd() {
    ProgramEnd end{};
    CHECK(child->WaitForEnd(kLong, &end));
    return end;
  }
};

// What a program writes to its standard output.
std::string Said(ProgramStart start) {
  int ends[2];
  CHECK_EQ(OpenPipe(ends), 0);
  Descriptor reading(ends[0]), writing(ends[1]);
  start.standard[1] = writing.get();
  Started started(start);
  writing.Reset();
  std::string said;
  char bytes[4096];
  ssize_t count;
  while ((count = read(reading.get(), bytes, sizeof bytes)) > 0) said.append(bytes, static_cast<size_t>(count));
  CHECK_EQ(started.AwaitEnd().code, 0);
  return said;
}

ProgramStart Program(const std::vector<std::string>& words) {
  ProgramStart start = Shell("");
  start.file = words[0];
  start.arguments = words;
  return start;
}

TEST(how_a_child_ended_is_told_to_everybody_and_its_starter_once) {
  Started exits(Shell("exit 7")), killed(Shell("kill -TERM $$"));
  for (int i = 0; i < 2; i++) {
    CHECK_EQ(exits.AwaitEnd().code, 7);
    CHECK_EQ(exits.AwaitEnd().signal, 0);
    CHECK_EQ(killed.AwaitEnd().signal, SIGTERM);
  }
  while (*exits.told == 0 || *killed.told == 0) std::this_thread::yield();
  // The thread that watched ends then; whoever else has it may let go.
  while (exits.child.use_count() > 1) std::this_thread::yield();
  CHECK_EQ(exits.told->load(), 1);
}

TEST(who_sleeps_on_the_word_of_a_process_is_woken_by_its_end) {
  Started started(Shell("exec sleep 100"));
  const FutexWatch watch = started.child->Watched();
  std::thread other([&] { CHECK_EQ(started.child->Signal(SIGKILL), 0); });
  ProgramEnd end{};
  while (!started.child->HasEnded(&end)) FutexWaitMany(&watch, 1, MonotonicNanos() + kLong);
  other.join();
  CHECK_EQ(end.signal, SIGKILL);
  CHECK(FutexWaitMany(&watch, 1, MonotonicNanos() + kLong) == FutexResult::kChanged);
}

TEST(a_signal_to_one_that_has_ended_is_lost) {
  Started started(Shell("exit 0"));
  started.AwaitEnd();
  CHECK_EQ(started.child->Signal(SIGKILL), 0);
  CHECK_EQ(started.AwaitEnd().code, 0);
}

TEST(an_end_that_somebody_else_has_taken_is_known_to_be_unknown) {
  Started started(Shell("read forever <&0; exec sleep 100"));
  CHECK_EQ(started.child->Signal(SIGKILL), 0);
  int status;
  while (waitpid(started.child->pid(), &status, 0) < 0 && errno == EINTR) continue;
  const ProgramEnd end = started.AwaitEnd();
  // Whoever was first: its thread, or we.
  CHECK(end.signal == SIGKILL || end.code == kUnknownEnd);
}

TEST(a_child_has_the_descriptors_it_is_given_and_no_other) {
  int leaked[2];
  CHECK_EQ(OpenPipe(leaked), 0);
  const Descriptor first(leaked[0]), second(leaked[1]);
  std::set<int> expected = {0, 1, 2, kLifelineDescriptor, kMemoryDescriptor};
  // What whoever runs this test has left open for all programs is none of the library's.
  for (const auto& [fd, file] : OpenDescriptors())
    if ((fcntl(fd, F_GETFD) & FD_CLOEXEC) == 0) expected.insert(fd);
  std::set<int> found;
  std::istringstream lines(Said(Shell("ls /proc/$$/fd; exit 0")));
  for (int fd; lines >> fd;) found.insert(fd);
  CHECK(found == expected);
}

TEST(a_child_has_the_environment_it_is_given_and_no_other) {
  CHECK_EQ(setenv("MULTIPROC_UNWANTED", "1", 1), 0);
  CHECK(Said(Shell("echo $GIVEN$MULTIPROC_UNWANTED")) == "for it\n");
  unsetenv("MULTIPROC_UNWANTED");
}

TEST(a_child_ignores_and_blocks_no_signal_whatever_its_parent_does) {
  const int end = Child([] {
                    signal(SIGPIPE, SIG_IGN);
                    signal(SIGTERM, SIG_IGN);
                    sigset_t all;
                    sigfillset(&all);
                    pthread_sigmask(SIG_SETMASK, &all, nullptr);
                    std::istringstream status(Said(Program({"/bin/cat", "/proc/self/status"})));
                    // The C library's own two signals stay as it has left them.
                    constexpr uint64_t kOwn = uint64_t{3} << 31;
                    for (std::string line; std::getline(status, line);) {
                      if (line.starts_with("SigBlk:")) CHECK_EQ(strtoull(&line[7], nullptr, 16), 0);
                      if (line.starts_with("SigIgn:")) CHECK_EQ(strtoull(&line[7], nullptr, 16) & ~kOwn, 0);
                    }
                  }).Wait();
  CHECK_EQ(end, 0);
}

TEST(a_parent_without_standard_streams_starts_children) {
  const int end = Child([] {
                    for (const int fd : {0, 1, 2}) close(fd);
                    ProgramStart start = Shell("exit 5");
                    for (const int fd : {0, 1, 2}) start.standard[fd] = fd;
                    Started started(start);
                    CHECK_EQ(started.AwaitEnd().code, 5);
                    // Nothing of ours has become one.
                    int ends[2];
                    CHECK_EQ(OpenPipe(ends), 0);
                    CHECK(ends[0] > 2 && ends[1] > 2);
                  }).Wait();
  CHECK_EQ(end, 0);
}

TEST(a_pipe_that_cannot_be_had_leaves_no_descriptor) {
  // With standard streams closed each end is moved, which can fail on its own.
  for (const bool closed : {false, true}) {
    for (int more = 0; more < 5; more++) {
      const int end = Child([&] {
                        // So that the limit is beyond the standard streams.
                        Descriptor others[8];
                        for (Descriptor& other : others) other = Descriptor(open("/dev/null", O_RDONLY));
                        if (closed) {
                          close(0);
                          close(1);
                        }
                        const auto before = OpenDescriptors();
                        int ends[2] = {-1, -1};
                        int error;
                        {
                          const DescriptorLimit limit(more);
                          error = OpenPipe(ends);
                        }
                        if (error == 0) _exit(0);
                        CHECK_EQ(error, EMFILE);
                        CHECK(OpenDescriptors() == before);
                        _exit(9);
                      }).Wait();
      const int needed = closed ? 4 : 2;
      CHECK_EQ(end, more < needed ? 9 : 0);
    }
  }
}

TEST(a_start_that_the_system_refuses_says_why_and_leaves_nothing) {
  const int end = Child([] {
                    const auto before = OpenDescriptors();
                    const auto refused = [](const ProgramStart& start) {
                      std::shared_ptr<ChildProcess> child;
                      const int error = ChildProcess::Start(
                          start, [] { abort(); }, &child);
                      CHECK(child == nullptr);
                      return error;
                    };
                    ProgramStart start = Shell("exit 0");
                    start.file = "/nowhere/to/be/found";
                    CHECK_EQ(refused(start), ENOENT);
                    start.file = "/etc/passwd";
                    CHECK_EQ(refused(start), EACCES);
                    start.file = "/bin/sh";
                    start.arguments.emplace_back(size_t{16} << 20, 'x');
                    CHECK_EQ(refused(start), E2BIG);
                    start = Shell("exit 0", 900);
                    CHECK_EQ(refused(start), EBADF);
                    start = Shell("exit 0", 1);
                    {
                      const DescriptorLimit none(0);
                      CHECK(refused(start) != 0);
                    }
                    // No child, not even one that waits to be taken.
                    CHECK_EQ(waitpid(-1, nullptr, WNOHANG), -1);
                    CHECK_EQ(errno, ECHILD);
                    CHECK(OpenDescriptors() == before);
                  }).Wait();
  CHECK_EQ(end, 0);
}

TEST(children_started_by_many_threads_at_once_each_have_their_own_end) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; t++) {
    threads.emplace_back([t] {
      for (int i = 0; i < 8; i++) {
        const int code = t * 8 + i;
        Started started(Shell("exit " + std::to_string(code)));
        CHECK_EQ(started.AwaitEnd().code, code);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(a_child_is_told_of_its_parents_death_by_its_lifeline) {
  int ends[2];
  CHECK_EQ(OpenPipe(ends), 0);
  Descriptor reading(ends[0]), writing(ends[1]);
  Child parent([&] {
    ProgramStart start = Shell("echo begun; cat <&3; echo gone", writing.get());
    start.lifeline = LifelineForChildren();
    CHECK(start.lifeline > 2);
    CHECK_EQ(LifelineForChildren(), start.lifeline);
    // Several have the same one, and none of them its other end.
    Started first(start), second(start);
    for (;;) pause();
  });
  writing.Reset();
  std::string said;
  char byte;
  const auto await = [&](size_t bytes) {
    while (said.size() < bytes && read(reading.get(), &byte, 1) == 1) said += byte;
  };
  await(12);
  CHECK(said == "begun\nbegun\n");
  parent.Kill();
  await(SIZE_MAX);
  CHECK(said == "begun\nbegun\ngone\ngone\n");
}

}  // namespace
}  // namespace multiproc
