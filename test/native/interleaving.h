// Interleaving: one thread in the roles of many processes, for a core built with MULTIPROC_INTERLEAVING_POINTS.
//
// At every access to a shared word the operation under way is stopped while others run whole operations, and so inside
// those; or it dies there and goes no further. The choices follow from a seed.
#pragma once

#include <functional>
#include <source_location>
#include <string>
#include <vector>

#include "points.h"
#include "ring_messages.h"

namespace multiproc {

// Runs `operation`, and in the middle of it, at its point number k, `other`. False if it has fewer points.
template <typename Operation, typename Other>
bool InterruptedAt(uint64_t k, Operation operation, Other other) {
  uint64_t points = 0;
  bool busy = false;
  at_point = [&] {
    if (busy || ++points != k) return;
    busy = true;
    other();
    busy = false;
  };
  const struct Off {
    ~Off() { at_point = nullptr; }
  } off;
  operation();
  return points >= k;
}

class Interleaving {
 public:
  // `others` runs some operations of participants that are not in the middle of one.
  Interleaving(uint64_t seed, std::function<void()> others)
      : seed_(seed),
        random_(seed * 0x9e3779b97f4a7c15ull),
        others_(std::move(others)),
        rarity_(6 + random_.Below(200)) {
    at_point = [this] { Point(); };
  }
  Interleaving(const Interleaving&) = delete;
  Interleaving& operator=(const Interleaving&) = delete;
  ~Interleaving() { at_point = nullptr; }

  Random& random() { return random_; }
  uint64_t operations() const { return operations_; }
  // Has anybody else acted since the operation under way began?
  bool Interrupted() const { return stack_.back().interrupted; }

  // False if the operation's participant died in it, which happens at its point number `death`; 0: nowhere.
  template <typename Operation>
  bool Run(const char* name, uint64_t death, Operation operation) {
    operations_++;
    if (stack_.empty()) most_operations_ = operations_ + kMostInside;
    stack_.push_back({name, death});
    const Pop pop{&stack_};
    try {
      operation();
      return true;
    } catch (const Death&) {
      return false;
    }
  }

  // While it lives nobody interrupts and nobody dies.
  class Calm {
   public:
    explicit Calm(Interleaving& run) : run_(run) { run.calm_ = true; }
    Calm(const Calm&) = delete;
    Calm& operator=(const Calm&) = delete;
    ~Calm() { run_.calm_ = false; }

   private:
    Interleaving& run_;
  };

  void Require(bool fact, const char* what, std::source_location at = std::source_location::current()) const {
    if (fact) return;
    std::string text = std::string("not so: ") + what;
    for (const Frame& frame : stack_) text += std::string(&frame == &stack_.front() ? "; in " : " > ") + frame.name;
    text += "; repeat with NATIVE_TEST_SEED=" + check::Text(seed_) + " (operation " + check::Text(operations_) + ")";
    check::Fail(at.file_name(), static_cast<int>(at.line()), text);
  }

 private:
  struct Death {};
  struct Frame {
    const char* name;
    uint64_t death;
    uint64_t points = 0;
    bool interrupted = false;
  };
  struct Pop {
    std::vector<Frame>* stack;
    ~Pop() { stack->pop_back(); }
  };
  static constexpr size_t kMostDepth = 3;
  // Inside one operation: few places to interrupt at and many operations there would multiply from level to level.
  static constexpr uint64_t kMostInside = 500;
  static constexpr uint64_t kMostPoints = 2'000'000;

  void Point() {
    if (stack_.empty() || calm_) return;
    const size_t depth = stack_.size();
    Require(++stack_.back().points < kMostPoints, "every operation ends");
    if (stack_.back().points == stack_.back().death) throw Death{};
    if (depth > kMostDepth || operations_ > most_operations_ || random_.Below(rarity_) != 0) return;
    stack_.back().interrupted = true;
    others_();
  }

  uint64_t seed_;
  Random random_;
  std::function<void()> others_;
  uint64_t rarity_;
  std::vector<Frame> stack_;
  uint64_t operations_ = 0;
  uint64_t most_operations_ = 0;
  bool calm_ = false;
};

}  // namespace multiproc
