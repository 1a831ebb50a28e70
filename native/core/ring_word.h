// RingWord: the two kinds of 64-bit words that the ring consists of, packed and unpacked.
//
//   state word   lap | flags(2) | state(3) | owner(10) | lines - 1 (L) | pad(7)  one per line, L = log2(N); lap takes
//   the rest cursor       position(44) | sequence(20)                                     tail and head
//
// A record of k lines starts at the line whose word says so; `pad` = k * 64 - length in bytes (64 for an empty
// message), so no message needs a header. A word of zeros is a free record of one line in lap 0, so a new ring is
// zeroed memory. Positions count lines for ever, modulo 2^44; `sequence` counts records, modulo 2^20. Laps are compared
// for equality only: the words of a record's inner lines are never written and may hold tags of any age.
#pragma once

#include <cstdint>

namespace multiproc {

enum RingState : uint32_t {
  kFree = 0,     // consumed, or never used
  kWriting = 1,  // claimed by a producer
  kReady = 2,    // committed
  kReading = 3,  // claimed by a consumer
  kAborted = 4,  // given up before the commit
  kPadding = 5,  // the unused end of a shortened reservation; not a record, not counted in the sequence
};

inline constexpr int kPositionBits = 44;
inline constexpr int kSequenceBits = 20;
inline constexpr uint64_t kPositionMask = (uint64_t{1} << kPositionBits) - 1;
inline constexpr uint64_t kSequenceMask = (uint64_t{1} << kSequenceBits) - 1;
// More records than this cannot be told apart by their sequence, so a larger maxsize is no limit.
inline constexpr uint64_t kMaxsizeMost = kSequenceMask - 1;

struct Cursor {
  uint64_t raw;
  uint64_t position() const { return raw >> kSequenceBits; }
  uint64_t sequence() const { return raw & kSequenceMask; }
  static Cursor Of(uint64_t position, uint64_t sequence) {
    return {((position & kPositionMask) << kSequenceBits) | (sequence & kSequenceMask)};
  }
  Cursor Advanced(uint64_t lines, uint64_t records) const { return Of(position() + lines, sequence() + records); }
};

inline uint64_t PositionDistance(uint64_t to, uint64_t from) { return (to - from) & kPositionMask; }
inline uint64_t SequenceDistance(uint64_t to, uint64_t from) { return (to - from) & kSequenceMask; }

// A state word taken apart.
struct RingRecord {
  uint64_t lap;
  uint32_t flags;  // MessageFlag bits of the layer above
  RingState state;
  uint32_t owner;
  uint64_t lines;
  uint32_t pad;

  uint64_t length() const { return lines * 64 - pad; }
};

// Packs and unpacks for a ring of 2^log2_lines lines.
class RingWordFormat {
 public:
  explicit RingWordFormat(uint32_t log2_lines) : log2_(log2_lines) {}

  uint64_t Lap(uint64_t position) const { return (position >> log2_) & LapMask(); }

  uint64_t Pack(const RingRecord& r) const {
    return (((((r.lap << 2 | r.flags) << 3 | r.state) << 10 | r.owner) << log2_) | (r.lines - 1)) << 7 | r.pad;
  }

  RingRecord Unpack(uint64_t word) const {
    RingRecord r;
    r.pad = static_cast<uint32_t>(word & 127);
    r.lines = ((word >> 7) & ((uint64_t{1} << log2_) - 1)) + 1;
    const uint64_t rest = word >> (7 + log2_);
    r.owner = static_cast<uint32_t>(rest & 1023);
    r.state = static_cast<RingState>((rest >> 10) & 7);
    r.flags = static_cast<uint32_t>((rest >> 13) & 3);
    r.lap = rest >> 15;
    return r;
  }

  // Could a correct process have written this record at a line from which `room` lines are left?
  static bool Plausible(const RingRecord& r, uint64_t room) {
    return r.lines <= room && r.pad <= 64 && r.state <= kPadding && (r.pad < 64 || r.lines == 1);
  }

 private:
  uint64_t LapMask() const {
    const int word_bits = 64 - (2 + 3 + 10 + static_cast<int>(log2_) + 7);
    const int position_bits = kPositionBits - static_cast<int>(log2_);
    return (uint64_t{1} << (word_bits < position_bits ? word_bits : position_bits)) - 1;
  }

  uint32_t log2_;
};

// Which record a participant is committing, or finishing, as kept beside its count of such; never 0, which means none.
inline constexpr uint64_t MarkOf(uint64_t position) { return (position << 1 | 1) & 0xffffffff; }
inline constexpr uint64_t CountOf(uint64_t word) { return word >> 32; }
inline constexpr bool IsMarked(uint64_t word, uint64_t position) { return (word & 0xffffffff) == MarkOf(position); }

inline constexpr uint32_t kMinLog2Lines = 6;
inline constexpr uint32_t kMaxLog2Lines = 24;  // 1 GiB of messages; leaves 18 bits of lap

}  // namespace multiproc
