// Check: what the native tests are written in. One executable per *_test.cc; this header brings its main().
//
//   ring_test                runs every test          ring_test NAME...   runs those
//   ring_test --list         prints their names
//
// A failed CHECK ends its test by an exception; in a thread or a child (child.h) it ends the process.
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <algorithm>
#include <sstream>
#include <type_traits>
#include <utility>
#include <vector>

#include "machine_clock.h"

namespace multiproc::check {

struct Failed {};
struct Test {
  const char* name;
  void (*run)();
};

inline std::vector<Test> tests;
inline const char* current = "";
// May say what a test has left behind; runs whether it passed or not.
inline void (*after_each)() = nullptr;
// Far beyond what any test takes under a sanitizer on a busy machine: it ends hangs, it measures nothing.
inline constexpr int64_t kWatchdogNanos = 240'000'000'000;

struct Registration {
  Registration(const char* name, void (*run)()) { tests.push_back({name, run}); }
};

template <typename T>
std::string Text(const T& value) {
  std::ostringstream out;
  if constexpr (std::is_enum_v<T>)
    out << static_cast<long long>(value);
  else if constexpr (std::is_integral_v<T>)
    out << +value;
  else
    out << value;
  return out.str();
}

template <typename A, typename B>
bool Equal(const A& a, const B& b) {
  if constexpr (std::is_integral_v<A> && std::is_integral_v<B> && !std::is_same_v<A, B>)
    return std::cmp_equal(+a, +b);
  else
    return a == b;
}

[[noreturn]] inline void Fail(const char* file, int line, const std::string& what) {
  fprintf(stderr, "%s:%d: in %s: %s\n", file, line, current, what.c_str());
  throw Failed{};
}

inline bool Passes(void (*run)()) {
  try {
    run();
    return true;
  } catch (const Failed&) {
    return false;
  }
}

inline bool Run(const Test& test) {
  current = test.name;
  machine_clock->Watch(current, kWatchdogNanos);
  const bool passed = Passes(test.run);
  return (after_each == nullptr || Passes(after_each)) && passed;
}

}  // namespace multiproc::check

#define TEST(name)                                                            \
  static void name();                                                         \
  static const multiproc::check::Registration registered_##name(#name, name); \
  static void name()

#define CHECK(condition)                                                                   \
  do {                                                                                     \
    if (!(condition)) multiproc::check::Fail(__FILE__, __LINE__, "not true: " #condition); \
  } while (false)

#define CHECK_EQ(actual, expected)                                                                                \
  do {                                                                                                            \
    const auto actual_ = (actual);                                                                                \
    const auto expected_ = (expected);                                                                            \
    if (!multiproc::check::Equal(actual_, expected_)) {                                                           \
      multiproc::check::Fail(                                                                                     \
          __FILE__, __LINE__,                                                                                     \
          #actual " is " + multiproc::check::Text(actual_) + " instead of " + multiproc::check::Text(expected_)); \
    }                                                                                                             \
  } while (false)

// libFuzzer brings its own, and takes a failed CHECK for a crash.
#if !defined(MULTIPROC_FUZZ) && !defined(MULTIPROC_OWN_MAIN)
int main(int argc, char** argv) {
  using namespace multiproc::check;
  setvbuf(stdout, nullptr, _IOLBF, 0);
  MachineClock clock;
  machine_clock = &clock;
  int passed = 0;
  std::vector<const char*> failed;
  for (const Test& test : tests) {
    const bool list = argc == 2 && strcmp(argv[1], "--list") == 0;
    if (list) printf("%s\n", test.name);
    if (list ||
        (argc > 1 && std::none_of(argv + 1, argv + argc, [&](char* name) { return strcmp(name, test.name) == 0; })))
      continue;
    if (Run(test))
      passed++;
    else
      failed.push_back(test.name);
  }
  if (argc == 2 && strcmp(argv[1], "--list") == 0) return 0;
  for (const char* name : failed) printf("FAILED %s\n", name);
  printf("%d passed, %zu failed\n", passed, failed.size());
  return failed.empty() && passed > 0 ? 0 : 1;
}
#endif
