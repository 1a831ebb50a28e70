// Stepped: a child that is stopped before an operation and then goes through it one machine instruction at a time.
//
// Needs ptrace(2) of one's own children and hardware single steps: where a container forbids them, its tests fail and
// say so. (On a processor whose atomic operations are loops of load-exclusive and store-exclusive, a step between the
// two makes the loop start over: there the watchdog speaks.)
//
// Path: the addresses that a first child went through, step by step. A later one, forked from the same process into
// the same state, is brought to the same place by a breakpoint, so that a kill at every instruction costs no steps to
// the square. One that went another way, which memory at other addresses can be the reason of, is replaced by one that
// is stepped all the way.
#pragma once

#include <elf.h>
#include <errno.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>

#include <atomic>
#include <vector>

#include "child.h"

namespace multiproc {

// Instrumented code is ten times as long, and its processes are slow to fork, so of its instructions one in so many is
// tried. All of them are without a sanitizer.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr uint64_t kStride = 97;
#else
inline constexpr uint64_t kStride = 1;
#endif

// Where the operation begins and ends, told by the child.
class Window {
 public:
  void Begin() {
    inside_.store(1);
    kill(getpid(), SIGSTOP);
  }
  void End() { inside_.store(0); }

 private:
  friend class Stepped;

  std::atomic<int> inside_{0};
  std::atomic<int> refused_{0};
};

// The address of instruction k of an operation, for k from 0 on.
using Path = std::vector<uint64_t>;

class Stepped {
 public:
  // `body(window)` prepares, calls Begin, does the operation and calls End. Returns with the child at the first
  // instruction of the operation.
  template <typename Body>
  explicit Stepped(Body body)
      : child_([&] {
          if (ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) {
            window_->refused_.store(errno);
            _exit(0);
          }
          body(*window_);
        }) {
    const bool stopped = child_.AwaitStop();
    if (window_->refused_.load() != 0) {
      check::Fail(__FILE__, __LINE__,
                  std::string("this test steps through its children, and ptrace is forbidden here: ") +
                      strerror(window_->refused_.load()));
    }
    CHECK(stopped);
    CHECK(Inside());
  }

  // Is it still in the operation?
  bool Inside() const { return window_->inside_.load() == 1; }
  // One instruction (a system call is one). False if that was the last of the operation.
  bool Step() {
    OneStep();
    return Inside();
  }
  // Steps as long as `more()` says, and returns the way.
  template <typename More>
  Path StepWhile(More more) {
    Path path{At()};
    while (more()) {
      OneStep();
      path.push_back(At());
    }
    return path;
  }
  // Goes k instructions further than the first one, whatever way that is. False if the operation ended before.
  bool StepTo(uint64_t k) {
    for (uint64_t i = 0; i < k; i++) {
      if (!Step()) return false;
    }
    return true;
  }
  // Goes from the first instruction to instruction k of the path. False if it took another way and has ended.
  bool RunTo(const Path& path, uint64_t k) {
#if defined(__x86_64__)
    const uint64_t place = path[k];
    for (uint64_t i = 1; i <= k; i++) {
      if (path[i] != place) continue;
      if (At() == place) {
        OneStep();
        if (At() == place) continue;
      }
      if (!ContinueTo(place)) return false;
    }
#else
    if (!StepTo(k)) return false;
#endif
    CHECK_EQ(At(), path[k]);
    CHECK(Inside());
    return true;
  }
  void Kill() {
    child_.Kill();
    CHECK_EQ(child_.Wait(), -SIGKILL);
  }
  // Lets it run to its end.
  void Finish() {
    Trace(PTRACE_DETACH, 0, 0);
    CHECK_EQ(child_.Wait(), 0);
  }

 private:
#if defined(__x86_64__)
  static constexpr auto kProgramCounter = &user_regs_struct::rip;

  bool ContinueTo(uint64_t place) {
    constexpr uint64_t kBreak = 0xcc;
    errno = 0;
    const uint64_t text = static_cast<uint64_t>(ptrace(PTRACE_PEEKTEXT, child_.pid(), place, 0));
    CHECK_EQ(errno, 0);
    Trace(PTRACE_POKETEXT, place, (text & ~uint64_t{0xff}) | kBreak);
    Trace(PTRACE_CONT, 0, 0);
    if (!child_.AwaitStop()) return false;
    Trace(PTRACE_POKETEXT, place, text);
    user_regs_struct registers = Registers();
    CHECK_EQ(registers.rip, place + 1);
    registers.rip = place;
    iovec part{&registers, sizeof registers};
    Trace(PTRACE_SETREGSET, NT_PRSTATUS, reinterpret_cast<uint64_t>(&part));
    return true;
  }
#else
  static constexpr auto kProgramCounter = &user_regs_struct::pc;
#endif

  user_regs_struct Registers() const {
    user_regs_struct registers;
    iovec part{&registers, sizeof registers};
    Trace(PTRACE_GETREGSET, NT_PRSTATUS, reinterpret_cast<uint64_t>(&part));
    return registers;
  }
  uint64_t At() const { return Registers().*kProgramCounter; }
  void OneStep() {
    Trace(PTRACE_SINGLESTEP, 0, 0);
    CHECK(child_.AwaitStop());
  }
  void Trace(__ptrace_request request, uint64_t place, uint64_t data) const {
    if (ptrace(request, child_.pid(), place, data) == 0) return;
    check::Fail(__FILE__, __LINE__, std::string("this test cannot step through its child: ") + strerror(errno));
  }

  SharedWithChildren<Window> window_;
  Child child_;
};

}  // namespace multiproc
