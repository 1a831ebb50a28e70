// Layout: every byte that we put into shared memory. docs/protocol.md says the same in prose.
//
//   segment   +0              SegmentHeader     immutable after publication, checksummed   4096 B
//             +4096           RegistrySlot[P]   one per participant                        128 B each
//             +body_offset    body              page aligned, by kind; for queues so that data is aligned to 64 KiB
//
//   arena     +0              ArenaControl                                                 64 B
//   memory    +64             blocks, one behind the other, each a multiple of 64 B:
//                               BlockHeader 56 B | users bitmap | body of the kind | meta text
//
//   queue     +0              QueueControl                                                 4096 B
//             +4096           states: N words of 8 B, spread over cache lines
//             +...            attempts: N bytes (counted queues only), page aligned end
//             +...            data: N lines of 64 B, page aligned, mapped twice in a row; the end of the file
//
//   map       +0              MapControl                                                   64 B
//   (data of  +64             MapBucket[B]      B = capacity, rounded up to a power of two  16 B each
//   a block)  +...            MapUnit[U]        keys and values; numbered from 1            64 B each
//
// Invariants: no pointer is ever stored; every offset is recomputed from the parameters when a segment is opened; no
// byte of a message is ever read as metadata. A change of anything here changes kLayoutVersion.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/shared_word.h"

namespace multiproc {

inline constexpr uint64_t kMagic = 0x31434f525049544dull;  // "MTIPROC1", little endian
inline constexpr uint32_t kLayoutVersion = 5;
inline constexpr uint32_t kByteOrder = 0x01020304;

inline constexpr uint32_t kMaxParticipants = 1023;
inline constexpr uint32_t kDefaultParticipants = 256;
inline constexpr uint32_t kMetaMax = 2000;
inline constexpr uint64_t kLineBytes = 64;
inline constexpr uint64_t kHeaderBytes = 4096;
// What blocks of an arena are counted in.
inline constexpr uint64_t kBlockUnit = 64;
// Alignment in the file, and unit of the size, of what is mapped twice: the largest page size of the supported
// machines.
inline constexpr uint64_t kRingAlignment = 65536;

// Locks (open-file-description, see platform/file_lock.h) on bytes far beyond the end of the file.
inline constexpr int64_t kSlotLockBase = int64_t{1} << 40;   // + index: exclusive, held by the participant
inline constexpr int64_t kLifeLockByte = kSlotLockBase - 1;  // shared by all users; exclusive to remove what is unused
inline constexpr int64_t kNameLockByte = kSlotLockBase - 2;  // exclusive while a user removes the name

enum class SegmentKind : uint32_t { kArena = 1, kQueue = 2, kMemory = 3 };

// The kinds of objects; the numbers are part of the layout.
enum class ObjectKind : uint32_t {
  kNone = 0,
  kLock = 1,
  kRLock = 2,
  kSemaphore = 3,
  kBoundedSemaphore = 4,
  kCondition = 5,
  kEvent = 6,
  kBarrier = 7,
  kValue = 8,
  kArray = 9,
  kMemory = 10,
  kQueue = 11,
  kMap = 12,
};
inline constexpr ObjectKind kLastObjectKind = ObjectKind::kMap;

struct SegmentHeader {
  uint64_t magic;
  uint32_t version;
  uint32_t byte_order;
  uint32_t kind;          // SegmentKind
  uint32_t participants;  // P
  uint64_t total_bytes;   // size of the file
  uint64_t uuid;          // random; names the queue's spilled messages
  uint64_t body_offset;
  uint64_t body_bytes;
  uint64_t lines;    // queue: N, a power of two
  uint64_t maxsize;  // queue: 0 = no limit but the bytes
  uint32_t counted;  // queue: keeps `unfinished`
  uint32_t meta_bytes;
  char meta[kMetaMax];
  uint32_t checksum;  // of all bytes before it
  uint32_t unused;

  // ---- mutable, alone on its line
  alignas(64) Shared<uint32_t> poisoned;  // sticky; set by whoever finds an impossible value
};
static_assert(sizeof(SegmentHeader) <= kHeaderBytes, "the header fits its page");
static_assert(offsetof(SegmentHeader, checksum) == 80 + kMetaMax, "no hidden padding before the checksum");

enum SlotState : uint32_t { kSlotFree = 0, kSlotLive = 1 };

// One participant. The first line is for everybody, the second is written by its owner (and its reaper) alone.
struct RegistrySlot {
  Shared<uint32_t> state;     // SlotState; LIVE with the lock byte free = dead and not yet repaired
  Shared<uint32_t> doorbell;  // futex word: +1 by whoever wakes this participant
  uint32_t pid;               // for people, like the next two
  uint32_t unused;
  uint64_t start_time;
  char command[40];
  Shared<uint64_t> counted;  // counted queues: puts << 32 | mark of the record being committed
  Shared<uint64_t> dones;    // counted queues: tasks done with their record << 32 | mark of that record
  Shared<uint64_t> puts;
  Shared<uint64_t> gets;
  Shared<uint64_t> spills;
  Shared<uint64_t> damaged;
  uint64_t reserved[2];
};
static_assert(sizeof(RegistrySlot) == 128 && offsetof(RegistrySlot, counted) == 64, "two lines, owner's line apart");

// ---- arena -------------------------------------------------------------------------------------------------------

struct ArenaControl {
  Shared<uint64_t> used;  // bytes of the body handed out so far, this struct included; blocks below it are walkable
  uint32_t creator;       // participant that allocates; nobody else does
  uint32_t unused[13];
};
static_assert(sizeof(ArenaControl) == 64, "one line");

enum BlockState : uint32_t { kBlockFree = 0, kBlockAlive = 1, kBlockDying = 2 };

struct BlockHeader {
  Shared<uint64_t> life;  // generation << 8 | BlockState
  uint32_t units;         // of kBlockUnit bytes: the whole block, header included; constant once carved
  uint32_t kind;          // ObjectKind
  uint64_t data_bytes;    // user memory: value, array, memory
  double parameter[2];    // as given at creation
  uint64_t seal;  // mix of the segment's uuid and the block's offset: tells a block from the middle of user memory
  uint32_t meta_bytes;
  uint32_t unused[1];
};
static_assert(sizeof(BlockHeader) == 56, "one line, rounded up by the users bitmap");

// The body of every kind that waits. What the words mean is said by the kind's header.
struct SyncBody {
  Shared<uint32_t> word;
  Shared<uint32_t> extra;
  Shared<uint64_t> wide;
  Shared<uint32_t> waiter_summary;  // bit w: waiter_bits[w] may be non-zero
  uint32_t unused;
  Shared<uint64_t> acquired;  // statistics, like the next two
  Shared<uint64_t> contended;
  Shared<uint64_t> owner_deaths;
  // Followed by waiter_bits: ceil(P / 64) words; condition and barrier: then P words of 4 B, one per participant.
};
static_assert(sizeof(SyncBody) == 48, "no hidden padding");

// ---- queue -------------------------------------------------------------------------------------------------------

inline constexpr int kWaitQueues = 3;  // data, space, join

// Flags of a ring message (two bits of its word).
inline constexpr uint32_t kSpilledFlag = 1;  // the bytes are a SpillDescriptor, the payload is in a file of its own
inline constexpr uint32_t kHandlesFlag = 2;  // the payload names shared objects

enum QueueFlag : uint32_t { kQueueShutDown = 1, kQueueImmediate = 2, kQueueSpilled = 4, kQueueHasEnds = 8 };

// The two sides of a queue whose users are counted.
inline constexpr int kEnds = 2;

struct QueueControl {
  alignas(128) Shared<uint64_t> tail;  // position << 20 | sequence, see ring_word.h
  alignas(128) Shared<uint64_t> head;
  alignas(128) Shared<uint32_t> flags;  // this line is read at every operation and written only to sleep or shut down
  Shared<uint32_t> waiter_summary[kWaitQueues];
  Shared<uint64_t> watched_until;  // by a consumer that is about to sleep, see watch.h
  alignas(128) Shared<uint64_t> waiter_bits[kWaitQueues][16];
  alignas(128) Shared<uint64_t> done;                  // counted queues: tasks done without their record, by taskDone()
  alignas(128) Shared<uint64_t> end_users[kEnds][16];  // pipes: a bit per participant that uses the end
};
static_assert(sizeof(QueueControl) <= 4096, "the control page");

// What a spilled message has in the ring.
struct SpillDescriptor {
  uint64_t id;
  uint64_t length;
};
static_assert(sizeof(SpillDescriptor) == 16, "goes into one line");

// ---- map ---------------------------------------------------------------------------------------------------------

// The longest key, in bytes of UTF-8.
inline constexpr uint32_t kMapMostKey = 4096;
// The longest value, in bytes.
inline constexpr uint64_t kMapMostValue = UINT32_MAX;
inline constexpr uint64_t kMapUnitWords = 7;
// Words of an entry's first unit that its key begins behind.
inline constexpr uint64_t kMapHeadWords = 2;

// What the owner of a map's lock is in the middle of.
enum MapChange : uint32_t { kMapWhole = 0, kMapEntry = 1, kMapClear = 2 };

struct MapControl {
  uint64_t seed[2];         // key of the hash; random, written before anybody else can see the map
  Shared<uint32_t> change;  // MapChange; this word and the next four are written by the owner of the lock
  Shared<uint32_t> count;   // entries
  Shared<uint32_t> used;    // units of these entries
  Shared<uint32_t> fresh;   // units 1 to `fresh` have been used at some time
  Shared<uint32_t> free;    // the first of those that are free now, 0 = none; MapUnit.links leads on
  uint32_t unused[7];
};
static_assert(sizeof(MapControl) == 64, "one line");

struct MapBucket {
  Shared<uint64_t> sequence;  // raised after a unit has become unreachable here and before it is used again
  Shared<uint64_t> first;     // bits 0-31: first unit of the first entry, 0 = none
};
static_assert(sizeof(MapBucket) == 16, "no hidden padding");

struct MapUnit {
  Shared<uint64_t> links;                 // bits 0-31: the next entry of the bucket (first units), 32-63: the next unit
  Shared<uint64_t> words[kMapUnitWords];  // first units begin with hash (high half) << 32 | key bytes, and value bytes
};
static_assert(sizeof(MapUnit) == 64, "one line");

inline uint64_t RoundUp(uint64_t value, uint64_t unit) { return (value + unit - 1) / unit * unit; }

}  // namespace multiproc
