// Options: `key=value` arguments of a benchmark program, and the report that it prints.
#pragma once

#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace multiproc::bench {

class Options {
 public:
  Options(int argc, char** argv) : argc_(argc), argv_(argv) {}

  uint64_t Number(const char* key) const { return std::strtoull(Text(key), nullptr, 10); }

  bool Is(const char* key, const char* value) const { return std::strcmp(Text(key), value) == 0; }

 private:
  const char* Text(const char* key) const {
    const size_t length = std::strlen(key);
    for (int i = 1; i < argc_; i++) {
      if (std::strncmp(argv_[i], key, length) == 0 && argv_[i][length] == '=') return argv_[i] + length + 1;
    }
    std::fprintf(stderr, "Cannot start: argument %s=… is missing\n", key);
    std::exit(2);
  }

  int argc_;
  char** argv_;
};

inline void ReportStream(uint64_t messages, uint64_t size, uint64_t count, int64_t elapsed) {
  const double per_second = static_cast<double>(messages) * 1e9 / static_cast<double>(elapsed);
  std::printf("{\"elapsedNs\":%" PRId64 ",\"count\":%" PRIu64 ",\"metrics\":{\"rate\":%.3f,\"bandwidth\":%.3f}}\n",
              elapsed, count, per_second, per_second * static_cast<double>(size));
}

inline void ReportOperation(uint64_t count, int64_t elapsed) {
  std::printf("{\"elapsedNs\":%" PRId64 ",\"count\":%" PRIu64 ",\"metrics\":{\"perOperation\":%.3f}}\n", elapsed, count,
              static_cast<double>(elapsed) / static_cast<double>(count));
}

}  // namespace multiproc::bench
