// Payload: the byte messages of harness/payload.mjs, made and checked in C++.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace multiproc::bench {

inline constexpr uint32_t kEnd = 0xffff'ffff;
inline constexpr uint32_t kPage = 4096;
inline constexpr uint32_t kFillerCheckInterval = 64;

inline uint32_t CheckWord(uint32_t producer, uint32_t sequence) {
  return (sequence ^ (producer * 0x9e3779b1u)) * 0x85ebca6bu;
}

inline uint8_t FillerByte(uint32_t index) { return static_cast<uint8_t>(index * 31 + 7); }

[[noreturn]] inline void Fail(const char* reason, uint32_t producer, uint32_t sequence) {
  std::fprintf(stderr, "Cannot accept message: %u of producer %u %s\n", sequence, producer, reason);
  std::exit(1);
}

// Makes one producer's messages in order.
class Source {
 public:
  Source(uint32_t size, uint32_t producer) : producer_(producer), message_(size) {
    for (uint32_t i = 0; i < size; i++) message_[i] = static_cast<char>(FillerByte(i));
  }
  const char* Next() { return Stamp(producer_, next_++); }
  const char* End() { return Stamp(kEnd, 0); }

 private:
  const char* Stamp(uint32_t producer, uint32_t sequence) {
    const uint32_t size = static_cast<uint32_t>(message_.size());
    const uint32_t check = CheckWord(producer, sequence);
    for (uint32_t at = kPage; at < size - 4; at += kPage) Write(at, check);
    Write(0, producer);
    Write(4, sequence);
    Write(size - 4, check);
    return message_.data();
  }
  void Write(uint32_t at, uint32_t word) { std::memcpy(message_.data() + at, &word, sizeof word); }

  uint32_t producer_;
  uint32_t next_ = 0;
  std::vector<char> message_;
};

// Checks and counts what one consumer receives. `counts` and `sums` may lie in shared memory.
class Tally {
 public:
  Tally(uint32_t size, uint32_t producers, uint64_t expected, uint64_t* counts, uint64_t* sums)
      : size_(size), left_(expected), counts_(counts), sums_(sums), latest_(producers, -1) {}

  // False when it was the last message for this consumer.
  bool Take(const char* message, uint32_t length) {
    if (length != size_) Fail("has a wrong length", kEnd, length);
    const uint32_t producer = Read(message, 0), sequence = Read(message, 4);
    const uint32_t check = CheckWord(producer, sequence);
    if (Read(message, size_ - 4) != check) Fail("is torn", producer, sequence);
    for (uint32_t at = kPage; at < size_ - 4; at += kPage) {
      if (Read(message, at) != check) Fail("is torn", producer, sequence);
    }
    if (producer == kEnd) return false;
    if (producer >= latest_.size()) Fail("has no such producer", producer, sequence);
    if (sequence % kFillerCheckInterval == 0) {
      for (uint32_t at = 8; at < size_ - 4 && at < kPage; at++) {
        if (static_cast<uint8_t>(message[at]) != FillerByte(at)) Fail("is torn", producer, sequence);
      }
    }
    if (static_cast<int64_t>(sequence) <= latest_[producer]) Fail("came too late", producer, sequence);
    latest_[producer] = sequence;
    counts_[producer]++;
    sums_[producer] += sequence;
    return --left_ != 0;
  }

 private:
  static uint32_t Read(const char* message, uint32_t at) {
    uint32_t word;
    std::memcpy(&word, message + at, sizeof word);
    return word;
  }

  uint32_t size_;
  uint64_t left_;
  uint64_t* counts_;
  uint64_t* sums_;
  std::vector<int64_t> latest_;
};

}  // namespace multiproc::bench
