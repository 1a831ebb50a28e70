#include "core/sweep.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <set>

#include "core/arena.h"
#include "core/ring.h"
#include "core/segment.h"
#include "core/segment_name.h"
#include "platform/file_lock.h"

namespace multiproc {
namespace {

// Bare names of all files under our prefix. False if the folder could not be read.
bool OurNames(std::vector<std::string>* names) {
  if (!ListShmFiles(FilePrefix(), names)) return false;
  for (std::string& name : *names) name.erase(0, FilePrefix().size());
  return true;
}

bool InUse(int fd) { return IsRangeLockedByOther(fd, kLifeLockByte, 1); }

// Can no segment be behind the name, whatever it leads to? (A FIFO opens, and nobody holds its life byte.)
bool IsNoFile(int error) { return error == ENOENT || error == ELOOP || error == EISDIR || error == ENXIO; }

// uuids of the queues that somebody uses. False if there may be more: what is in use and cannot be read counts as one.
bool LiveQueues(const std::vector<std::string>& names, std::set<uint64_t>* live) {
  bool complete = true;
  for (const std::string& name : names) {
    if (!IsSegmentName(name) && !IsKeeperName(name)) continue;
    Descriptor fd;
    const int rc = OpenShmFile(FileOf(name), &fd);
    if (IsNoFile(rc) || (rc == 0 && !InUse(fd.get()))) continue;
    SegmentHeader header;
    Failure failure;
    if (rc != 0 || !ReadHeader(fd.get(), &header, &failure)) {
      complete = false;
    } else if (header.kind == static_cast<uint32_t>(SegmentKind::kQueue)) {
      live->insert(header.uuid);
    }
  }
  return complete;
}

// Is the queue in use although its name is gone? To be asked after the names were listed: who removes a name gives the
// file its keeper's first, so a queue that the listing missed, or that lost its name since, has one now.
bool HasKeeper(uint64_t queue_uuid) {
  Descriptor fd;
  const int rc = OpenShmFile(FileOf(KeeperName(queue_uuid)), &fd);
  return rc == 0 ? InUse(fd.get()) : !IsNoFile(rc);
}

// Looks into a segment through a mapping of its own, without joining.
void Inspect(const Descriptor& fd, const SegmentHeader& header, SeenSegment* seen) {
  Mapping mapping;
  const bool queue = header.kind == static_cast<uint32_t>(SegmentKind::kQueue);
  const uint64_t twice = queue ? header.lines * kLineBytes : 0;
  if (mapping.Map(fd.get(), header.total_bytes, twice) != 0) {
    seen->problem = "it cannot be mapped";
    return;
  }
  Registry registry;
  registry.Attach(fd.get(), reinterpret_cast<RegistrySlot*>(mapping.base() + kHeaderBytes), header.participants);
  for (uint32_t i = 0; i < header.participants; i++) {
    const RegistrySlot& slot = registry.slot(i);
    if (!registry.SaysTaken(i, std::memory_order_acquire)) continue;
    char command[sizeof slot.command + 1] = {};
    memcpy(command, slot.command, sizeof slot.command);
    seen->participants.push_back({i, slot.pid, command, registry.Alive(i)});
  }
  // A private flag: looking must not poison what we look at.
  Shared<uint32_t> poisoned;
  poisoned.Store(0, std::memory_order_relaxed);
  char* body = mapping.base() + header.body_offset;
  if (queue) {
    // Size only reads, but for the flag.
    seen->depth = Ring(body, &registry, &poisoned, header.lines, header.maxsize, header.counted != 0).Size();
  } else {
    seen->depth = Arena(body, header.body_bytes, header.uuid, &registry, &poisoned).CountAlive();
  }
}

SeenSegment Look(const std::string& name) {
  SeenSegment seen;
  seen.name = name;
  seen.kind = "unknown";
  uint64_t uuid, id;
  ShmFileFacts facts;
  if (StatShmName(FileOf(name), &facts) == 0) seen.size = facts.size;
  if (ParseSpillName(name, &uuid, &id)) {
    seen.kind = "spill";
    return seen;
  }
  Descriptor fd;
  SegmentHeader header;
  Failure failure;
  if (OpenShmFile(FileOf(name), &fd) != 0) {
    seen.problem = "it cannot be opened";
  } else if (!ReadHeader(fd.get(), &header, &failure)) {
    seen.problem = failure.reason;
  } else {
    static const char* const kKinds[] = {"unknown", "arena", "queue", "memory"};
    seen.kind = kKinds[header.kind];
    seen.orphan = !InUse(fd.get());
    Inspect(fd, header, &seen);
  }
  return seen;
}

}  // namespace

std::vector<std::string> SweepOrphans() {
  std::vector<std::string> removed;
  std::vector<std::pair<std::string, uint64_t>> spills;
  std::vector<std::string> names;
  OurNames(&names);
  for (const std::string& name : names) {
    uint64_t uuid, id;
    if (ParseSpillName(name, &uuid, &id)) {
      spills.emplace_back(name, uuid);
    } else if ((IsSegmentName(name) || IsKeeperName(name)) && RemoveIfOrphan(name)) {
      removed.push_back(name);
    }
  }
  if (spills.empty()) return removed;
  // A spill file is made after its queue: a listing begun now holds the queue of every spill seen above, if it still
  // exists.
  std::vector<std::string> now;
  std::set<uint64_t> live;
  if (!OurNames(&now) || !LiveQueues(now, &live)) return removed;
  for (const auto& [name, uuid] : spills) {
    if (live.count(uuid) == 0 && !HasKeeper(uuid) && UnlinkShmFile(FileOf(name)) == 0) removed.push_back(name);
  }
  return removed;
}

std::vector<SeenSegment> ListSegments() {
  std::vector<SeenSegment> segments;
  std::vector<std::string> names;
  OurNames(&names);
  std::set<uint64_t> live;
  const bool complete = LiveQueues(names, &live);
  for (const std::string& name : names) {
    segments.push_back(Look(name));
    uint64_t uuid, id;
    if (ParseSpillName(name, &uuid, &id))
      segments.back().orphan = complete && live.count(uuid) == 0 && !HasKeeper(uuid);
  }
  return segments;
}

}  // namespace multiproc
