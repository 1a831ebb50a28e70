// Real segments under names that only this run uses, and a look at what of them is left in /dev/shm.
#pragma once

#include <memory>
#include <string>

#include "check.h"
#include "core/arena.h"
#include "core/ring.h"
#include "core/segment.h"
#include "core/segment_name.h"
#include "shm_files.h"

namespace multiproc {

// Made before main, so that forked children use the same.
inline const std::string kRunPrefix = "native-test." + std::to_string(getpid()) + ".";

inline std::string RunName(const std::string& name) { return kRunPrefix + name; }

// Files of this run in /dev/shm now.
inline std::vector<std::string> LeftOvers() { return FilesWithPrefix(FileOf(kRunPrefix)); }

inline const bool kLooksAfterEach = (check::after_each = [] {
                                      const std::vector<std::string> left = LeftOvers();
                                      for (const std::string& file : left) UnlinkShmFile(file);
                                      CHECK_EQ(left.size(), 0);
                                    }) != nullptr;

inline SegmentParameters ArenaParameters(uint32_t participants = 8) {
  SegmentParameters parameters;
  parameters.kind = SegmentKind::kArena;
  parameters.participants = participants;
  parameters.body_bytes = 8192;
  return parameters;
}

inline SegmentParameters QueueParameters(uint64_t lines = kRingAlignment / kLineBytes) {
  SegmentParameters parameters;
  parameters.kind = SegmentKind::kQueue;
  parameters.participants = 8;
  parameters.lines = lines;
  parameters.body_bytes = RingPlaces::Of(lines, false).total;
  return parameters;
}

// A segment and the thing in it, joined.
struct Opened {
  std::unique_ptr<Segment> segment;
  std::unique_ptr<Repairer> body;

  Ring& ring() { return static_cast<Ring&>(*body); }
  Arena& arena() { return static_cast<Arena&>(*body); }
  bool Leave() { return segment->Leave(*body); }
};

inline std::unique_ptr<Repairer> BodyOf(Segment& segment) {
  const SegmentParameters& p = segment.parameters();
  if (p.kind == SegmentKind::kQueue) {
    return std::make_unique<Ring>(segment.body(), &segment.registry(), segment.poisoned(), p.lines, p.maxsize,
                                  p.counted);
  }
  return std::make_unique<Arena>(segment.body(), p.body_bytes, segment.uuid(), &segment.registry(), segment.poisoned());
}

// Formatted and joined, without its name.
inline Opened Make(const std::string& name, const SegmentParameters& parameters) {
  Failure failure;
  Opened made;
  made.segment = Segment::Create(RunName(name), parameters, &failure);
  CHECK(made.segment != nullptr);
  if (parameters.kind == SegmentKind::kQueue)
    Ring::Format(made.segment->body(), parameters.lines, parameters.counted, 0);
  else
    Arena::Format(made.segment->body());
  made.body = BodyOf(*made.segment);
  CHECK(made.segment->Join(*made.body, &failure));
  return made;
}

inline Opened Published(const std::string& name, const SegmentParameters& parameters) {
  Opened made = Make(name, parameters);
  Failure failure;
  CHECK(made.segment->Publish(&failure));
  return made;
}

// Opened and joined; null with the failure if that was refused.
inline Opened TryOpen(const std::string& name, Failure* failure) {
  Opened opened;
  opened.segment = Segment::Open(RunName(name), failure);
  if (opened.segment == nullptr) return opened;
  opened.body = BodyOf(*opened.segment);
  if (!opened.segment->Join(*opened.body, failure)) opened.segment = nullptr;
  return opened;
}

inline std::string PathOf(const std::string& name) { return "/dev/shm/" + FileOf(RunName(name)); }

// Opens without joining and says why not; "" if it opened.
inline std::string Refusal(const std::string& name, std::string* reason = nullptr) {
  Failure failure;
  const std::unique_ptr<Segment> segment = Segment::Open(RunName(name), &failure);
  if (reason != nullptr) *reason = failure.reason;
  return segment == nullptr ? failure.code : "";
}

}  // namespace multiproc
