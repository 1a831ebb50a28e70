// HashMap: a map of fixed capacity from short texts to bytes, on the user memory of one block.
//
// Guarantee      Each key has one value. A reader gets a key and the value that it had at one moment during the call,
// or
//                learns that it had none at one moment. A change is done as a whole or not at all.
// Blocking       Readers never: they take no lock and write nothing. One that keeps meeting changes of what it reads
//                gives up with kAgain, and reads under the lock. Writers exclude each other by a Lock on the words of
//                the block, taken with TryEnter through BlockUntil.
// Process death  Of a reader: nothing. Of a writer: Repair, before it frees the lock, finds what the bucket lists
// reach,
//                and all other units free; the one store that makes a change has come about or not. A clear that has
//                begun is finished.
// Memory order   ORDER(map-publish): links are stored with release after the contents that they lead to, and loaded
// with
//                acquire. ORDER(map-reuse): a bucket's sequence is raised (seq_cst) after a unit has become unreachable
//                there and before any word of it is written again; all words of units are stored with release and
//                loaded with acquire, so a reader that sees such a word sees the sequence changed at its second look.
//                If it has not changed, all that was read had been in the bucket's list. ORDER(lock): of writers.
// Invariants     Contents of units that a list reaches are constant; only the links between entries change, each change
//                by one store. `change` says kMapWhole whenever the lock is free. Every number that is read is checked,
//                every walk bounded; what is impossible, while the sequence stays the same, poisons.
#pragma once

#include <vector>

#include "core/arena.h"
#include "core/map_hash.h"
#include "core/status.h"

namespace multiproc {

// Where things lie in the data of a map's block.
struct MapPlaces {
  static constexpr double kMostCapacity = 1u << 30;
  static constexpr double kMostUnits = UINT32_MAX - 1;

  static bool Possible(double capacity, double units);
  // REQUIRES: Possible.
  static MapPlaces Of(double capacity, double units);

  uint64_t capacity;
  uint64_t units;
  uint64_t buckets;     // a power of two
  uint64_t buckets_at;  // offsets
  uint64_t units_at;
  uint64_t total;
};

// A value to be written, in two parts.
struct MapValue {
  const char* head = nullptr;
  uint64_t head_bytes = 0;
  const char* body = nullptr;
  uint64_t body_bytes = 0;

  uint64_t bytes() const { return head_bytes + body_bytes; }
};

// Memory of the process that something is copied into, and how much of it was, or would be, used.
struct MapOutput {
  char* to = nullptr;
  uint64_t room = 0;
  uint64_t bytes = 0;
};

class HashMap {
 public:
  HashMap(const Block& block, Shared<uint32_t>* poisoned);
  // REQUIRES: nobody else can see the block.
  static void Format(const Block& block);

  // ---- reading: kOk, kAbsent, kAgain (see above), kPoisoned
  // kNoRoom: output->bytes says how much it takes.
  Status Get(const char* key, uint64_t key_bytes, MapOutput* output) const;
  Status Has(const char* key, uint64_t key_bytes) const;
  // The entries of the first bucket from *bucket on that has any, all at one moment; *bucket is then the next one. Each
  // is two numbers of 32 bits, the lengths, then the key, then the value. kAbsent: there are no more. kNoRoom as Get,
  // and *bucket is the one that needs it.
  Status Scan(uint64_t* bucket, MapOutput* output) const;
  uint32_t Count() const { return control_->count.Load(std::memory_order_relaxed); }     // relaxed: of one moment
  uint32_t UsedUnits() const { return control_->used.Load(std::memory_order_relaxed); }  // relaxed: statistics
  const MapPlaces& places() const { return places_; }

  // ---- the lock
  // kOk or kOkOwnerDied (all the same here), kAgain, kDeadlock (it is ours), kPoisoned.
  Status TryEnter();
  Status Leave();
  bool Mine() const;

  // ---- writing. REQUIRES: TryEnter has succeeded.
  // kOk; kFull, kTooLarge or kPoisoned, and nothing has changed.
  Status Put(const char* key, uint64_t key_bytes, const MapValue& value);
  // kOk, kAbsent, kPoisoned.
  Status Remove(const char* key, uint64_t key_bytes);
  void Clear();

  // What the participant was in the middle of; then its lock.
  void Repair(uint32_t participant);

 private:
  class Reader;
  class Writer;
  struct Found;
  static constexpr int kTries = 64;

  MapControl& control() const { return *control_; }
  MapBucket& BucketAt(uint64_t index) const { return buckets_[index]; }
  MapBucket& BucketOf(uint64_t hash) const { return buckets_[hash & (places_.buckets - 1)]; }
  MapUnit& UnitAt(uint32_t number) const { return units_[number - 1]; }
  bool IsUnit(uint64_t number) const { return number >= 1 && number <= places_.units; }
  uint64_t Hash(const char* key, uint64_t bytes) const { return MapHash(control_->seed, key, bytes); }
  static uint64_t UnitsFor(uint64_t key_bytes, uint64_t value_bytes);

  Status Poison() const;
  bool poisoned() const { return poisoned_->Load(std::memory_order_relaxed) != 0; }  // relaxed: sticky, advisory
  // Repeats `look` until the bucket has not changed during it.
  template <typename Look>
  Status Read(const MapBucket& bucket, Look look) const;
  Found Find(MapBucket& bucket, uint64_t hash, const char* key, uint64_t key_bytes) const;
  Status CopyEntries(const MapBucket& bucket, MapOutput* output) const;
  // A unit that nothing reaches; 0 when the list of free ones is damaged.
  uint32_t TakeUnit();
  // Makes the units of an entry, which nothing reaches any more, free.
  Status GiveBack(uint32_t first, uint64_t units);
  // After the store that took an entry out.
  Status Retire(MapBucket& bucket, uint32_t first, uint64_t units);
  void Empty();
  // Marks the units that the lists reach, by their numbers. False if that is impossible.
  bool Mark(std::vector<bool>* reached, uint32_t* entries, uint32_t* used) const;
  Status Rebuild();

  Block block_;
  Shared<uint32_t>* poisoned_;
  MapPlaces places_;
  MapControl* control_;
  MapBucket* buckets_;
  MapUnit* units_;
};

}  // namespace multiproc
