// Child: a forked process of a test, gone at the latest when the test is. Gate: lets processes wait for each other.
#pragma once

#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <new>

#include "check.h"

namespace multiproc {

class Child {
 public:
  template <typename Body>
  explicit Child(Body body) {
    fflush(nullptr);
    const pid_t parent = getpid();
    pid_ = fork();
    CHECK(pid_ >= 0);
    if (pid_ != 0) return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(3);
    try {
      body();
    } catch (const check::Failed&) {
      _exit(1);
    }
    _exit(0);
  }
  Child(Child&& other) noexcept : pid_(other.pid_) { other.pid_ = 0; }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    if (pid_ == 0) return;
    Kill();
    Reaped(0);
  }

  // Its exit code, or the negative number of the signal that ended it.
  int Wait() {
    const int status = Reaped(0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }
  // Until it stops (true) or ends (false, then Wait has been done: it must have exited with 0).
  bool AwaitStop() {
    const int status = Reaped(WUNTRACED);
    if (WIFSTOPPED(status)) return true;
    CHECK(WIFEXITED(status));
    CHECK_EQ(WEXITSTATUS(status), 0);
    return false;
  }
  // Has it stopped or ended since it was last waited for? Does not wait.
  bool HasChanged() const {
    siginfo_t info{};
    CHECK_EQ(waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WSTOPPED | WNOHANG | WNOWAIT), 0);
    return info.si_pid != 0;
  }
  // Has it ended? Does not wait; Wait then does not either.
  bool HasEnded() const {
    siginfo_t info{};
    CHECK_EQ(waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT), 0);
    return info.si_pid != 0;
  }
  void Continue() { kill(pid_, SIGCONT); }
  void Kill() { kill(pid_, SIGKILL); }
  pid_t pid() const { return pid_; }

 private:
  int Reaped(int options) {
    int status = 0;
    pid_t got;
    do got = waitpid(pid_, &status, options);
    while (got < 0 && errno == EINTR);
    CHECK_EQ(got, pid_);
    if (!WIFSTOPPED(status)) pid_ = 0;
    return status;
  }

  pid_t pid_ = 0;
};

// Each Open lets one Pass through, in any process forked after the gate was made.
class Gate {
 public:
  Gate() { CHECK_EQ(pipe(ends_), 0); }
  ~Gate() {
    close(ends_[0]);
    close(ends_[1]);
  }
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;

  void Open() { CHECK_EQ(write(ends_[1], "x", 1), 1); }
  void Pass() {
    char byte;
    CHECK_EQ(read(ends_[0], &byte, 1), 1);
  }

 private:
  int ends_[2];
};

// A zeroed T that forked children share.
template <typename T>
class SharedWithChildren {
 public:
  SharedWithChildren() {
    void* memory = mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(memory != MAP_FAILED);
    value_ = new (memory) T();
  }
  ~SharedWithChildren() { munmap(value_, sizeof(T)); }
  SharedWithChildren(const SharedWithChildren&) = delete;
  SharedWithChildren& operator=(const SharedWithChildren&) = delete;
  T* operator->() const { return value_; }
  T& operator*() const { return *value_; }

 private:
  T* value_;
};

}  // namespace multiproc
