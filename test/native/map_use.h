// What tests do with a map: values that check themselves, whole operations, and a look at whether every unit is there.
#pragma once

#include <optional>
#include <string>

#include "core/hash_map.h"
#include "core/lock.h"
#include "unnamed_segment.h"

namespace multiproc {

inline BlockRequest MapOf(uint32_t capacity, uint32_t units) {
  BlockRequest request = Of(ObjectKind::kMap, capacity, units);
  request.data_bytes = MapPlaces::Of(capacity, units).total;
  return request;
}

inline MapControl& ControlOf(const Block& block) { return *reinterpret_cast<MapControl*>(block.data()); }

// Text number `version` of a key: its number, and then bytes that follow from both.
inline std::string TextOf(const std::string& key, uint64_t version, uint64_t more) {
  std::string text(sizeof version + more, '\0');
  memcpy(text.data(), &version, sizeof version);
  for (uint64_t i = 0; i < more; i++) text[sizeof version + i] = static_cast<char>(version * 31 + key.size() + i * 7);
  return text;
}
// Its number; checks all of it.
inline uint64_t VersionOf(const std::string& key, const std::string& text) {
  uint64_t version = 0;
  CHECK(text.size() >= sizeof version);
  memcpy(&version, text.data(), sizeof version);
  CHECK(text == TextOf(key, version, text.size() - sizeof version));
  return version;
}

inline MapValue ValueOf(const std::string& text, uint64_t split = 0) {
  split = std::min<uint64_t>(split, text.size());
  return {text.data(), split, text.data() + split, text.size() - split};
}

// A map as one participant sees it.
class MapUser {
 public:
  MapUser(const Block& block, const UnnamedSegment& segment) : map(block, segment.poisoned()) {}

  Status Put(const std::string& key, const std::string& text) {
    return map.Put(key.data(), key.size(), ValueOf(text, text.size() / 3));
  }
  Status Remove(const std::string& key) { return map.Remove(key.data(), key.size()); }
  Status Has(const std::string& key) const { return map.Has(key.data(), key.size()); }
  Status Get(const std::string& key, std::string* text) const {
    char memory[1024];
    MapOutput output{memory, sizeof memory, 0};
    const Status status = map.Get(key.data(), key.size(), &output);
    if (status == kOk) text->assign(memory, output.bytes);
    return status;
  }
  // As get; nothing for a key without a value.
  std::optional<std::string> Value(const std::string& key) const {
    std::string text;
    const Status status = Get(key, &text);
    if (status == kAbsent) return std::nullopt;
    CHECK_EQ(status, kOk);
    return text;
  }
  Status Set(const std::string& key, const std::string& text) {
    return Locked([&] { return Put(key, text); });
  }
  Status Delete(const std::string& key) {
    return Locked([&] { return Remove(key); });
  }
  template <typename Work>
  Status Locked(Work work) {
    const Status entered = map.TryEnter();
    if (entered < 0) return entered;
    const Status status = work();
    CHECK_EQ(map.Leave(), kOk);
    return status;
  }
  // Every entry, by scanning.
  template <typename Visit>
  Status ForEach(Visit visit) const {
    char memory[16384];
    for (uint64_t bucket = 0;;) {
      MapOutput output{memory, sizeof memory, 0};
      const Status status = map.Scan(&bucket, &output);
      if (status != kOk) return status == kAbsent ? kOk : status;
      for (uint64_t at = 0; at < output.bytes;) {
        uint32_t lengths[2];
        memcpy(lengths, memory + at, sizeof lengths);
        const char* key = memory + at + sizeof lengths;
        visit(std::string(key, lengths[0]), std::string(key + lengths[0], lengths[1]));
        at += sizeof lengths + lengths[0] + lengths[1];
      }
    }
  }
  // Of no unit the whereabouts are unknown, and none is in two places. Takes everything out.
  void CheckUnits() {
    const MapPlaces& places = map.places();
    uint64_t entries = 0;
    CHECK_EQ(ForEach([&](const std::string&, const std::string&) { entries++; }), kOk);
    CHECK_EQ(map.Count(), entries);
    // With entries of one unit each as many go in as there is room for.
    uint64_t filled = 0;
    const auto filler = [](uint64_t i) { return "filler " + std::to_string(i); };
    while (map.Count() < places.capacity && Set(filler(filled), TextOf("", filled, 0)) == kOk) filled++;
    // What a larger one takes in place of a small one is all the rest.
    const uint64_t rest = places.units - map.UsedUnits();
    if (filled > 0 && rest > 0) {
      const uint64_t most = (rest * kMapUnitWords - kMapHeadWords - 1) * 8;
      CHECK_EQ(Set(filler(0), std::string(most + 1, 'x')), kFull);
      CHECK_EQ(Set(filler(0), std::string(most, 'x')), kOk);
      CHECK_EQ(map.UsedUnits(), places.units - 1);
      char memory[16384];
      MapOutput output{memory, sizeof memory, 0};
      CHECK_EQ(map.Get("filler 0", 8, &output), kOk);
      CHECK(std::string(memory, output.bytes) == std::string(most, 'x'));
    }
    for (uint64_t i = 1; i < filled; i++) CHECK_EQ(VersionOf("", *Value(filler(i))), i);
    std::vector<std::string> keys;
    CHECK_EQ(ForEach([&](const std::string& key, const std::string&) { keys.push_back(key); }), kOk);
    for (const std::string& key : keys) CHECK_EQ(Delete(key), kOk);
    CHECK_EQ(map.Count(), 0);
    CHECK_EQ(map.UsedUnits(), 0);
  }

  HashMap map;
};

}  // namespace multiproc
