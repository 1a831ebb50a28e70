#include "core/hash_map.h"

#include <string.h>

#include <algorithm>
#include <bit>

#include "core/lock.h"
#include "platform/cpu.h"
#include "platform/process_info.h"

namespace multiproc {
namespace {

constexpr uint64_t kWordBytes = 8;
constexpr uint64_t kUnitBytes = kMapUnitWords * kWordBytes;

uint32_t NextEntry(uint64_t links) { return static_cast<uint32_t>(links); }
uint32_t NextUnit(uint64_t links) { return static_cast<uint32_t>(links >> 32); }
uint64_t Links(uint32_t entry, uint32_t unit) { return uint64_t{unit} << 32 | entry; }
uint64_t WordsOf(uint64_t bytes) { return bytes / kWordBytes + (bytes % kWordBytes != 0 ? 1 : 0); }

}  // namespace

// ---- places --------------------------------------------------------------------------------------------------------

bool MapPlaces::Possible(double capacity, double units) {
  // Not a number fails every comparison.
  return capacity >= 1 && capacity <= kMostCapacity && units >= capacity && units <= kMostUnits &&
         capacity == static_cast<double>(static_cast<uint64_t>(capacity)) &&
         units == static_cast<double>(static_cast<uint64_t>(units));
}

MapPlaces MapPlaces::Of(double capacity, double units) {
  MapPlaces p;
  p.capacity = static_cast<uint64_t>(capacity);
  p.units = static_cast<uint64_t>(units);
  p.buckets = std::bit_ceil(p.capacity);
  p.buckets_at = sizeof(MapControl);
  p.units_at = RoundUp(p.buckets_at + p.buckets * sizeof(MapBucket), sizeof(MapUnit));
  p.total = p.units_at + p.units * sizeof(MapUnit);
  return p;
}

HashMap::HashMap(const Block& block, Shared<uint32_t>* poisoned)
    : block_(block),
      poisoned_(poisoned),
      places_(MapPlaces::Of(block.facts().parameter[0], block.facts().parameter[1])),
      control_(reinterpret_cast<MapControl*>(block.data())),
      buckets_(reinterpret_cast<MapBucket*>(block.data() + places_.buckets_at)),
      units_(reinterpret_cast<MapUnit*>(block.data() + places_.units_at)) {}

void HashMap::Format(const Block& block) {
  auto* control = reinterpret_cast<MapControl*>(block.data());
  RandomBytes(control->seed, sizeof control->seed);
}

uint64_t HashMap::UnitsFor(uint64_t key_bytes, uint64_t value_bytes) {
  const uint64_t words = kMapHeadWords + WordsOf(key_bytes) + WordsOf(value_bytes);
  return (words + kMapUnitWords - 1) / kMapUnitWords;
}

Status HashMap::Poison() const {
  if (poisoned_->Exchange(1) == 0) block_.registry().RingEverybody();
  return kPoisoned;
}

// ---- reading -------------------------------------------------------------------------------------------------------

// Walks the words of one entry behind its head. What it says is to be believed only when the bucket has not changed.
class HashMap::Reader {
 public:
  Reader(const HashMap& map, uint32_t first) : map_(map), unit_(&map.UnitAt(first)) {}

  bool Copy(char* to, uint64_t bytes) {
    uint64_t word;
    for (; bytes >= kWordBytes; bytes -= kWordBytes, to += kWordBytes) {
      if (!Next(&word)) return false;
      memcpy(to, &word, kWordBytes);
    }
    if (bytes == 0) return true;
    if (!Next(&word)) return false;
    memcpy(to, &word, bytes);
    return true;
  }

  // False also when it cannot be read.
  bool Equals(const char* key, uint64_t bytes) {
    uint64_t word, wanted;
    for (; bytes > 0; bytes -= std::min(bytes, kWordBytes), key += kWordBytes) {
      wanted = 0;
      memcpy(&wanted, key, std::min(bytes, kWordBytes));
      if (!Next(&word) || word != wanted) return false;
    }
    return true;
  }

 private:
  bool Next(uint64_t* word) {
    if (at_ == kMapUnitWords) {
      const uint32_t next = NextUnit(unit_->links.Load(std::memory_order_acquire));  // ORDER(map-reuse)
      if (!map_.IsUnit(next)) return false;
      unit_ = &map_.UnitAt(next);
      at_ = 0;
    }
    *word = unit_->words[at_++].Load(std::memory_order_acquire);  // ORDER(map-reuse)
    return true;
  }

  const HashMap& map_;
  const MapUnit* unit_;
  uint64_t at_ = kMapHeadWords;
};

// What a walk through a bucket came to.
struct HashMap::Found {
  Status status;           // kOk, kAbsent, kAgain, kPoisoned: changed meanwhile, or damaged
  Shared<uint64_t>* link;  // kOk: the word that leads to the entry
  uint32_t unit;           // kOk: its first one
  uint64_t key_bytes;
  uint64_t value_bytes;
};

namespace {

// The head of an entry.
struct Head {
  explicit Head(const MapUnit& unit)
      : first(unit.words[0].Load(std::memory_order_acquire)),  // ORDER(map-reuse), and the next
        value_bytes(unit.words[1].Load(std::memory_order_acquire)) {}
  uint64_t key_bytes() const { return first & UINT32_MAX; }
  bool IsPossible(const MapPlaces& places) const {
    return key_bytes() <= kMapMostKey && value_bytes <= std::min<uint64_t>(kMapMostValue, places.units * kUnitBytes);
  }
  static uint64_t First(uint64_t hash, uint64_t key_bytes) { return (hash >> 32) << 32 | key_bytes; }

  uint64_t first;
  uint64_t value_bytes;
};

}  // namespace

template <typename Look>
Status HashMap::Read(const MapBucket& bucket, Look look) const {
  if (poisoned()) return kPoisoned;
  for (int i = 0; i < kTries; i++) {
    const uint64_t before = bucket.sequence.Load(std::memory_order_acquire);  // ORDER(map-reuse)
    const Status status = look();
    // ORDER(map-reuse): behind the acquire loads of everything that was read.
    if (bucket.sequence.Load(std::memory_order_acquire) == before) return status == kPoisoned ? Poison() : status;
    CpuRelax();
  }
  return kAgain;
}

HashMap::Found HashMap::Find(MapBucket& bucket, uint64_t hash, const char* key, uint64_t key_bytes) const {
  constexpr uint64_t kLookEvery = 32;
  const uint64_t wanted = Head::First(hash, key_bytes);
  const uint64_t before = bucket.sequence.Load(std::memory_order_acquire);
  Shared<uint64_t>* link = &bucket.first;
  for (uint64_t hops = 0; hops <= places_.capacity; hops++) {
    const uint32_t entry = NextEntry(link->Load(std::memory_order_acquire));  // ORDER(map-publish)
    if (entry == 0) return {kAbsent, nullptr, 0, 0, 0};
    if (!IsUnit(entry)) break;
    MapUnit& unit = UnitAt(entry);
    const Head head(unit);
    if (!head.IsPossible(places_)) break;
    if (head.first == wanted && Reader(*this, entry).Equals(key, key_bytes))
      return {kOk, link, entry, key_bytes, head.value_bytes};
    link = &unit.links;
    // No list is long, but one that changes under the walk may lead anywhere.
    if (hops % kLookEvery == kLookEvery - 1 && bucket.sequence.Load(std::memory_order_acquire) != before) break;
  }
  return {kPoisoned, nullptr, 0, 0, 0};
}

Status HashMap::Has(const char* key, uint64_t key_bytes) const {
  const uint64_t hash = Hash(key, key_bytes);
  MapBucket& bucket = BucketOf(hash);
  return Read(bucket, [&] { return Find(bucket, hash, key, key_bytes).status; });
}

Status HashMap::Get(const char* key, uint64_t key_bytes, MapOutput* output) const {
  const uint64_t hash = Hash(key, key_bytes);
  MapBucket& bucket = BucketOf(hash);
  return Read(bucket, [&] {
    const Found found = Find(bucket, hash, key, key_bytes);
    if (found.status != kOk) return found.status;
    output->bytes = found.value_bytes;
    if (found.value_bytes > output->room) return kNoRoom;
    Reader reader(*this, found.unit);
    if (!reader.Equals(key, key_bytes) || !reader.Copy(output->to, found.value_bytes)) return kPoisoned;
    return kOk;
  });
}

Status HashMap::CopyEntries(const MapBucket& bucket, MapOutput* output) const {
  output->bytes = 0;
  uint32_t entry = NextEntry(bucket.first.Load(std::memory_order_acquire));  // ORDER(map-publish)
  for (uint64_t hops = 0; entry != 0; hops++) {
    if (hops == places_.capacity || !IsUnit(entry)) return kPoisoned;
    MapUnit& unit = UnitAt(entry);
    const Head head(unit);
    if (!head.IsPossible(places_)) return kPoisoned;
    const uint32_t lengths[2] = {static_cast<uint32_t>(head.key_bytes()), static_cast<uint32_t>(head.value_bytes)};
    char* to = output->to + output->bytes;
    output->bytes += sizeof lengths + lengths[0] + lengths[1];
    // What has no room is counted on, so that the next attempt has enough.
    if (output->bytes <= output->room) {
      memcpy(to, lengths, sizeof lengths);
      Reader reader(*this, entry);
      to += sizeof lengths;
      if (!reader.Copy(to, lengths[0]) || !reader.Copy(to + lengths[0], lengths[1])) return kPoisoned;
    }
    entry = NextEntry(unit.links.Load(std::memory_order_acquire));  // ORDER(map-publish)
  }
  if (output->bytes > output->room) return kNoRoom;
  return output->bytes == 0 ? kAbsent : kOk;
}

Status HashMap::Scan(uint64_t* bucket, MapOutput* output) const {
  for (; *bucket < places_.buckets; ++*bucket) {
    const MapBucket& at = BucketAt(*bucket);
    const Status status = Read(at, [&] { return CopyEntries(at, output); });
    if (status == kAbsent) continue;
    if (status == kOk) ++*bucket;
    return status;
  }
  return kAbsent;
}

// ---- the lock ------------------------------------------------------------------------------------------------------

bool HashMap::Mine() const { return Lock(block_).Mine(); }

Status HashMap::TryEnter() {
  if (poisoned()) return kPoisoned;
  Lock lock(block_);
  return lock.Mine() ? kDeadlock : lock.TryAcquire(false);
}

Status HashMap::Leave() { return Lock(block_).Release(false); }

// ---- writing -------------------------------------------------------------------------------------------------------

// Writes the words of a new entry, in units that nothing reaches yet.
class HashMap::Writer {
 public:
  Writer(HashMap& map, uint32_t next_entry) : map_(map), next_entry_(next_entry), first_(map.TakeUnit()) {
    unit_ = first_;
  }

  // The entry's first unit; 0 when the list of free units is damaged.
  uint32_t first() const { return unit_ == 0 ? 0 : first_; }

  void Word(uint64_t word) {
    if (at_ == kMapUnitWords) Continue();
    if (unit_ == 0) return;
    map_.UnitAt(unit_).words[at_++].Store(word, std::memory_order_release);  // ORDER(map-reuse)
  }
  void Bytes(const char* bytes, uint64_t length) {
    while (length > 0 && pending_bytes_ > 0) {
      Byte(*bytes++);
      length--;
    }
    for (; length >= kWordBytes; length -= kWordBytes, bytes += kWordBytes) {
      uint64_t word;
      memcpy(&word, bytes, kWordBytes);
      Word(word);
    }
    for (; length > 0; length--) Byte(*bytes++);
  }
  // What follows begins with a word of its own.
  void Align() {
    if (pending_bytes_ > 0) Word(pending_);
    pending_ = pending_bytes_ = 0;
  }
  void Finish() {
    Align();
    if (unit_ != 0) StoreLinks(0);
  }

 private:
  void Byte(char byte) {
    pending_ |= uint64_t{static_cast<unsigned char>(byte)} << (8 * pending_bytes_);
    if (++pending_bytes_ == kWordBytes) Align();
  }
  void Continue() {
    if (unit_ == 0) return;
    const uint32_t next = map_.TakeUnit();
    StoreLinks(next);
    unit_ = next;
    at_ = 0;
  }
  void StoreLinks(uint32_t next) {
    const uint32_t entry = unit_ == first_ ? next_entry_ : 0;
    map_.UnitAt(unit_).links.Store(Links(entry, next), std::memory_order_release);  // ORDER(map-reuse)
  }

  HashMap& map_;
  const uint32_t next_entry_;
  const uint32_t first_;
  uint32_t unit_;
  uint64_t at_ = 0;
  uint64_t pending_ = 0;
  uint64_t pending_bytes_ = 0;
};

uint32_t HashMap::TakeUnit() {
  // relaxed here and below: words that only the owner of the lock touches
  const uint32_t freed = control_->free.Load(std::memory_order_relaxed);
  if (freed != 0) {
    if (!IsUnit(freed)) return 0;
    control_->free.Store(NextUnit(UnitAt(freed).links.Load(std::memory_order_relaxed)), std::memory_order_release);
    return freed;
  }
  const uint32_t fresh = control_->fresh.Load(std::memory_order_relaxed);
  if (fresh >= places_.units) return 0;
  control_->fresh.Store(fresh + 1, std::memory_order_release);
  return fresh + 1;
}

Status HashMap::GiveBack(uint32_t first, uint64_t units) {
  uint32_t last = first;
  for (uint64_t i = 1; i < units; i++) {
    last = NextUnit(UnitAt(last).links.Load(std::memory_order_relaxed));
    if (!IsUnit(last)) return Poison();
  }
  UnitAt(last).links.Store(Links(0, control_->free.Load(std::memory_order_relaxed)), std::memory_order_release);
  control_->free.Store(first, std::memory_order_release);
  return kOk;
}

Status HashMap::Retire(MapBucket& bucket, uint32_t first, uint64_t units) {
  // ORDER(map-reuse): behind the store that took the entry out, before its units can be taken.
  bucket.sequence.FetchAdd(1);
  return GiveBack(first, units);
}

Status HashMap::Put(const char* key, uint64_t key_bytes, const MapValue& value) {
  if (key_bytes > kMapMostKey || value.bytes() > kMapMostValue) return kTooLarge;
  const uint64_t hash = Hash(key, key_bytes);
  MapBucket& bucket = BucketOf(hash);
  const Found old = Find(bucket, hash, key, key_bytes);
  if (old.status != kOk && old.status != kAbsent) return Poison();
  const bool replaces = old.status == kOk;
  const uint32_t count = Count(), used = UsedUnits();
  const uint64_t old_units = replaces ? UnitsFor(key_bytes, old.value_bytes) : 0;
  const uint64_t units = UnitsFor(key_bytes, value.bytes());
  if (used > places_.units || old_units > used) return Poison();
  if (units > places_.units - used || (!replaces && count >= places_.capacity)) return kFull;

  Shared<uint64_t>& link = replaces ? *old.link : bucket.first;
  const uint64_t links = link.Load(std::memory_order_relaxed);  // relaxed, like the next: the lock is ours
  const uint64_t next = replaces ? UnitAt(old.unit).links.Load(std::memory_order_relaxed) : links;
  control_->change.Exchange(kMapEntry);
  Writer writer(*this, NextEntry(next));
  writer.Word(Head::First(hash, key_bytes));
  writer.Word(value.bytes());
  writer.Bytes(key, key_bytes);
  writer.Align();
  writer.Bytes(value.head, value.head_bytes);
  writer.Bytes(value.body, value.body_bytes);
  writer.Finish();
  if (writer.first() == 0) return Poison();
  // The change. ORDER(map-publish)
  link.Store(Links(writer.first(), NextUnit(links)), std::memory_order_release);
  if (replaces && Retire(bucket, old.unit, old_units) != kOk) return kPoisoned;
  control_->used.Store(static_cast<uint32_t>(used + units - old_units), std::memory_order_relaxed);
  if (!replaces) control_->count.Store(count + 1, std::memory_order_relaxed);
  control_->change.Store(kMapWhole, std::memory_order_release);
  return kOk;
}

Status HashMap::Remove(const char* key, uint64_t key_bytes) {
  const uint64_t hash = Hash(key, key_bytes);
  MapBucket& bucket = BucketOf(hash);
  const Found old = Find(bucket, hash, key, key_bytes);
  if (old.status == kAbsent) return kAbsent;
  if (old.status != kOk) return Poison();
  const uint64_t units = UnitsFor(key_bytes, old.value_bytes);
  const uint32_t count = Count(), used = UsedUnits();
  if (count == 0 || used < units) return Poison();
  const uint64_t links = old.link->Load(std::memory_order_relaxed);  // relaxed, like the next: the lock is ours
  const uint32_t next = NextEntry(UnitAt(old.unit).links.Load(std::memory_order_relaxed));
  control_->change.Exchange(kMapEntry);
  // The change. ORDER(map-publish)
  old.link->Store(Links(next, NextUnit(links)), std::memory_order_release);
  if (Retire(bucket, old.unit, units) != kOk) return kPoisoned;
  control_->used.Store(static_cast<uint32_t>(used - units), std::memory_order_relaxed);
  control_->count.Store(count - 1, std::memory_order_relaxed);
  control_->change.Store(kMapWhole, std::memory_order_release);
  return kOk;
}

void HashMap::Clear() {
  control_->change.Exchange(kMapClear);
  Empty();
  control_->change.Store(kMapWhole, std::memory_order_release);
}

void HashMap::Empty() {
  for (uint64_t i = 0; i < places_.buckets; i++) {
    MapBucket& bucket = BucketAt(i);
    bucket.first.Store(0, std::memory_order_release);
    // ORDER(map-reuse): also of an empty one, which somebody may have emptied who died before he came to this.
    bucket.sequence.FetchAdd(1);
  }
  control_->free.Store(0, std::memory_order_release);
  control_->fresh.Store(0, std::memory_order_release);
  control_->used.Store(0, std::memory_order_relaxed);
  control_->count.Store(0, std::memory_order_relaxed);
}

// ---- repair --------------------------------------------------------------------------------------------------------

void HashMap::Repair(uint32_t participant) {
  Lock lock(block_);
  if (lock.Owner() != participant + 1) return;
  // The owner is dead, and its reaper alone: as if the lock were ours. Who dies in this begins anew. In damaged memory
  // there is nothing to repair, but those who wait must go on, to be told.
  if (!poisoned()) {
    switch (control_->change.Load(std::memory_order_acquire)) {
      case kMapWhole:
        break;
      case kMapEntry:
        Rebuild();
        break;
      case kMapClear:
        Clear();
        break;
      default:
        Poison();
    }
  }
  lock.Repair(participant);
}

bool HashMap::Mark(std::vector<bool>* reached, uint32_t* entries, uint32_t* used) const {
  const auto mark = [&](uint32_t unit) {
    // Twice: two lists lead there, or one leads back.
    if (!IsUnit(unit) || unit >= reached->size() || (*reached)[unit]) return false;
    (*reached)[unit] = true;
    ++*used;
    return true;
  };
  for (uint64_t i = 0; i < places_.buckets; i++) {
    uint32_t entry = NextEntry(BucketAt(i).first.Load(std::memory_order_acquire));
    while (entry != 0) {
      if (!mark(entry)) return false;
      const Head head(UnitAt(entry));
      if (!head.IsPossible(places_)) return false;
      ++*entries;
      uint32_t unit = entry;
      for (uint64_t left = UnitsFor(head.key_bytes(), head.value_bytes); left > 1; left--) {
        unit = NextUnit(UnitAt(unit).links.Load(std::memory_order_acquire));
        if (!mark(unit)) return false;
      }
      entry = NextEntry(UnitAt(entry).links.Load(std::memory_order_acquire));
    }
  }
  return true;
}

Status HashMap::Rebuild() {
  const uint32_t fresh = control_->fresh.Load(std::memory_order_acquire);
  if (fresh > places_.units) return Poison();
  std::vector<bool> reached(uint64_t{fresh} + 1);
  uint32_t entries = 0, used = 0;
  if (!Mark(&reached, &entries, &used)) return Poison();
  // ORDER(map-reuse): which bucket the dead one took something out of is not known.
  for (uint64_t i = 0; i < places_.buckets; i++) BucketAt(i).sequence.FetchAdd(1);
  uint32_t free = 0;
  for (uint32_t unit = fresh; unit >= 1; unit--) {
    if (reached[unit]) continue;
    UnitAt(unit).links.Store(Links(0, free), std::memory_order_release);
    free = unit;
  }
  control_->free.Store(free, std::memory_order_release);
  control_->used.Store(used, std::memory_order_relaxed);
  control_->count.Store(entries, std::memory_order_relaxed);
  control_->change.Store(kMapWhole, std::memory_order_release);
  return kOk;
}

}  // namespace multiproc
