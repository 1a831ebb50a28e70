#include "core/segment.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <bit>

#include "core/ring.h"
#include "core/segment_name.h"
#include "platform/clock.h"
#include "platform/file_lock.h"
#include "platform/process_info.h"

namespace multiproc {
namespace {

constexpr int64_t kRemovalPatienceNanos = 1'000'000'000;

uint64_t BodyOffset(SegmentKind kind, uint32_t participants, uint64_t lines, bool counted) {
  const uint64_t least = RoundUp(kHeaderBytes + participants * sizeof(RegistrySlot), 4096);
  if (kind != SegmentKind::kQueue) return least;
  const uint64_t data = RingPlaces::Of(lines, counted).data;
  return RoundUp(least + data, kRingAlignment) - data;
}

// FNV-1a: damage is what it finds, not malice; a hostile process of the same user can compute any checksum.
uint32_t Checksum(const SegmentHeader& header) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(&header);
  uint32_t hash = 2166136261u;
  for (size_t i = 0; i < offsetof(SegmentHeader, checksum); i++) hash = (hash ^ bytes[i]) * 16777619u;
  return hash;
}

bool Fail(Failure* failure, const char* code, std::string reason, int error = 0) {
  failure->code = code;
  failure->reason = std::move(reason);
  failure->error = error;
  return false;
}

bool FailSystem(Failure* failure, const char* call, int error) {
  if (error == ENOSPC || error == ENOMEM) {
    uint64_t total;
    ShmSpace(&failure->free, &total);
    return Fail(failure, "NO_SPACE",
                "/dev/shm is full: " + std::to_string(failure->asked) + " bytes asked, " +
                    std::to_string(failure->free) + " free",
                error);
  }
  if (error == EACCES || error == EPERM)
    return Fail(failure, "PERMISSION", std::string(call) + " is not permitted", error);
  return Fail(failure, "SYSTEM", std::string(call) + " failed: " + strerror(error), error);
}

// What size of body do these parameters mean? 0 if they are impossible.
uint64_t BodyBytes(uint32_t kind, uint64_t lines, bool counted, uint64_t body_bytes) {
  switch (static_cast<SegmentKind>(kind)) {
    case SegmentKind::kQueue:
      if (!std::has_single_bit(lines) || lines * kLineBytes < kRingAlignment || lines > (1u << kMaxLog2Lines)) return 0;
      return RingPlaces::Of(lines, counted).total;
    case SegmentKind::kArena:
    case SegmentKind::kMemory:
      return body_bytes >= sizeof(ArenaControl) && body_bytes % 4096 == 0 ? body_bytes : 0;
  }
  return 0;
}

bool IsPossible(const SegmentParameters& p) {
  const uint64_t body = BodyBytes(static_cast<uint32_t>(p.kind), p.lines, p.counted, p.body_bytes);
  return p.participants >= 1 && p.participants <= kMaxParticipants && p.meta.size() <= kMetaMax && body != 0 &&
         body == p.body_bytes;
}

// Attempts while somebody else is removing a name: for a second, and once more after it, so that one who was himself
// stopped meanwhile looks again before he gives up.
class Patience {
 public:
  bool Wait() {
    if (over_) return false;
    const timespec pause = {0, nap_};
    nanosleep(&pause, nullptr);
    nap_ = std::min(2 * nap_, kLongestNapNanos);
    over_ = MonotonicNanos() >= deadline_;
    return true;
  }

 private:
  static constexpr int64_t kLongestNapNanos = 2'000'000;
  const int64_t deadline_ = MonotonicNanos() + kRemovalPatienceNanos;
  int64_t nap_ = 50'000;
  bool over_ = false;
};

}  // namespace

bool ReadHeader(int fd, SegmentHeader* header, Failure* failure) {
  ShmFileFacts facts;
  const int rc = StatDescriptor(fd, &facts);
  if (rc != 0) return FailSystem(failure, "fstat", rc);
  if (!facts.regular) return Fail(failure, "CORRUPT_SEGMENT", "it is not a regular file");
  if (facts.owner != geteuid()) {
    return Fail(failure, "PERMISSION", "it belongs to user " + std::to_string(facts.owner));
  }
  if (facts.size < kHeaderBytes) {
    return Fail(failure, "CORRUPT_SEGMENT", "it is truncated to " + std::to_string(facts.size) + " bytes");
  }
  const int read = ReadFully(fd, header, sizeof *header, 0);
  if (read != 0) return FailSystem(failure, "pread", read);
  if (header->magic != kMagic) return Fail(failure, "CORRUPT_SEGMENT", "it is not a segment of this library");
  if (header->version != kLayoutVersion || header->byte_order != kByteOrder) {
    return Fail(failure, "VERSION",
                "it has layout version " + std::to_string(header->version) + ", this library has " +
                    std::to_string(kLayoutVersion));
  }
  if (header->checksum != Checksum(*header))
    return Fail(failure, "CORRUPT_SEGMENT", "the checksum of its header is wrong");
  // The checksum matched, but nothing is taken on trust: recompute every offset from the parameters.
  const uint32_t p = header->participants;
  const uint64_t body = p >= 1 && p <= kMaxParticipants && header->meta_bytes <= kMetaMax
                            ? BodyBytes(header->kind, header->lines, header->counted != 0, header->body_bytes)
                            : 0;
  if (body == 0 || body > facts.size || header->body_bytes != body ||
      header->body_offset !=
          BodyOffset(static_cast<SegmentKind>(header->kind), p, header->lines, header->counted != 0) ||
      header->total_bytes != header->body_offset + body) {
    return Fail(failure, "CORRUPT_SEGMENT", "its header contradicts itself");
  }
  if (header->total_bytes != facts.size) {
    return Fail(failure, "CORRUPT_SEGMENT",
                "it has " + std::to_string(facts.size) + " bytes instead of " + std::to_string(header->total_bytes));
  }
  return true;
}

std::unique_ptr<Segment> Segment::Create(const std::string& name, const SegmentParameters& parameters,
                                         Failure* failure) {
  if (!IsPossible(parameters))
    return Fail(failure, "ARGUMENT", "there can be no segment with these parameters"), nullptr;
  std::unique_ptr<Segment> segment(new Segment);
  segment->name_ = name;
  segment->parameters_ = parameters;
  segment->body_offset_ = BodyOffset(parameters.kind, parameters.participants, parameters.lines, parameters.counted);
  segment->total_bytes_ = segment->body_offset_ + parameters.body_bytes;
  failure->asked = segment->total_bytes_;

  int rc = CreateUnnamed(segment->total_bytes_, &segment->fd_);
  if (rc != 0) return FailSystem(failure, "creating a file in /dev/shm", rc), nullptr;
  segment->mapping_ = std::make_shared<Mapping>();
  const uint64_t twice = parameters.kind == SegmentKind::kQueue ? parameters.lines * kLineBytes : 0;
  rc = segment->mapping_->Map(segment->fd_.get(), segment->total_bytes_, twice);
  if (rc != 0) return FailSystem(failure, "mmap", rc), nullptr;

  SegmentHeader* header = segment->header();
  header->magic = kMagic;
  header->version = kLayoutVersion;
  header->byte_order = kByteOrder;
  header->kind = static_cast<uint32_t>(parameters.kind);
  header->participants = parameters.participants;
  header->total_bytes = segment->total_bytes_;
  RandomBytes(&header->uuid, sizeof header->uuid);
  header->body_offset = segment->body_offset_;
  header->body_bytes = parameters.body_bytes;
  header->lines = parameters.lines;
  header->maxsize = parameters.maxsize;
  header->counted = parameters.counted ? 1 : 0;
  header->meta_bytes = static_cast<uint32_t>(parameters.meta.size());
  memcpy(header->meta, parameters.meta.data(), parameters.meta.size());
  header->checksum = Checksum(*header);
  segment->uuid_ = header->uuid;
  segment->registry_.Attach(segment->fd_.get(),
                            reinterpret_cast<RegistrySlot*>(segment->mapping_->base() + kHeaderBytes),
                            parameters.participants);
  if (!TryReadLock(segment->fd_.get(), kLifeLockByte)) {
    return Fail(failure, "SYSTEM", "open-file-description locks do not work on /dev/shm", errno), nullptr;
  }
  return segment;
}

bool Segment::Publish(Failure* failure) {
  Patience patience;
  do {
    const int rc = multiproc::Publish(fd_, FileOf(name_));
    if (rc == 0) return true;
    if (rc != EEXIST) return FailSystem(failure, "linkat", rc);
    // The left-over of dead processes must not keep a name taken.
    if (TryRemoveOrphan(name_) == Removal::kKept) return Fail(failure, "EXISTS", "the name is taken", EEXIST);
  } while (patience.Wait());
  return Fail(
      failure, "TIMEOUT",
      "the name is still taken by what nobody uses: the process that is removing it has not gone on for a second",
      EEXIST);
}

std::unique_ptr<Segment> Segment::Open(const std::string& name, Failure* failure) {
  Patience patience;
  bool being_removed = false;
  do {
    being_removed = false;
    std::unique_ptr<Segment> segment(new Segment);
    segment->name_ = name;
    int rc = OpenShmFile(FileOf(name), &segment->fd_);
    if (rc == ENOENT) break;
    if (rc == ELOOP) return Fail(failure, "CORRUPT_SEGMENT", "it is a symbolic link", rc), nullptr;
    if (rc == EISDIR || rc == ENXIO) return Fail(failure, "CORRUPT_SEGMENT", "it is not a regular file", rc), nullptr;
    if (rc != 0) return FailSystem(failure, "open", rc), nullptr;
    const int fd = segment->fd_.get();

    // Header first: locks on a file that is not ours would be bad manners, and could be refused.
    SegmentHeader header;
    if (!ReadHeader(fd, &header, failure)) return nullptr;

    if (TryWriteLock(fd, kLifeLockByte)) {
      // Nobody uses it: its last users were killed. Remove it as they would have done.
      if (!segment->NamesUs()) continue;  // the name leads to a newer segment by now
      UnlinkShmFile(FileOf(name));
      break;
    }
    being_removed = !TryReadLock(fd, kLifeLockByte);  // by somebody, at this moment
    if (being_removed) continue;
    ShmFileFacts facts;
    if (StatDescriptor(fd, &facts) != 0 || !facts.linked) continue;  // removed between open and lock

    segment->parameters_ = {static_cast<SegmentKind>(header.kind),
                            header.participants,
                            header.body_bytes,
                            header.lines,
                            header.maxsize,
                            header.counted != 0,
                            std::string(header.meta, header.meta_bytes)};
    segment->uuid_ = header.uuid;
    segment->body_offset_ = header.body_offset;
    segment->total_bytes_ = header.total_bytes;
    segment->mapping_ = std::make_shared<Mapping>();
    const uint64_t twice = segment->parameters_.kind == SegmentKind::kQueue ? header.lines * kLineBytes : 0;
    failure->asked = header.total_bytes;
    rc = segment->mapping_->Map(fd, header.total_bytes, twice);
    if (rc != 0) return FailSystem(failure, "mmap", rc), nullptr;
    segment->registry_.Attach(fd, reinterpret_cast<RegistrySlot*>(segment->mapping_->base() + kHeaderBytes),
                              header.participants);
    return segment;
  } while (patience.Wait());
  return Fail(failure, "NOT_FOUND",
              being_removed ? "what had that name is being removed, by a process that has not gone on for a second"
                            : "there is nothing of that name",
              ENOENT),
         nullptr;
}

Segment::~Segment() = default;

bool Segment::Join(Repairer& repairer, Failure* failure) {
  if (registry_.Join(repairer)) return true;
  return Fail(failure, "LIMIT", "all " + std::to_string(parameters_.participants) + " participant slots are taken");
}

bool Segment::IsSameFile(const Segment& other) const {
  ShmFileFacts ours, theirs;
  if (StatDescriptor(fd_.get(), &ours) != 0 || StatDescriptor(other.fd_.get(), &theirs) != 0) return false;
  return ours.inode == theirs.inode && ours.device == theirs.device;
}

bool Segment::Names(const std::string& name) const {
  ShmFileFacts ours, named;
  if (StatDescriptor(fd_.get(), &ours) != 0 || StatShmName(FileOf(name), &named) != 0) return false;
  return ours.inode == named.inode && ours.device == named.device;
}

bool Segment::Leave(Repairer& repairer) {
  if (!fd_.valid()) return false;
  registry_.Leave(repairer);
  // Let go first, then try to be alone: of two that leave at once, the second to let go finds itself alone.
  UnlockByte(fd_.get(), kLifeLockByte);
  const bool alone = TryWriteLock(fd_.get(), kLifeLockByte);
  if (alone) {
    // Under its own name, or, once that was removed by hand, under its keeper's.
    if (Names(name_)) {
      UnlinkShmFile(FileOf(name_));
    } else if (Names(KeeperName(uuid_))) {
      UnlinkShmFile(FileOf(KeeperName(uuid_)));
    }
  }
  fd_.Reset();
  return alone;
}

bool Segment::Unlink(Failure* failure) {
  // We hold the life byte, so nobody removes the name as the last user. Another user may do what we do: one at a time,
  // or the name could be removed, taken by a new segment, and removed again.
  if (!fd_.valid() || !TryWriteLock(fd_.get(), kNameLockByte)) return false;
  bool removed = false;
  if (NamesUs()) {
    int rc = parameters_.kind == SegmentKind::kQueue ? multiproc::Publish(fd_, FileOf(KeeperName(uuid_))) : 0;
    // EEXIST: of somebody who was killed here. Without a keeper the next sweep would take the queue for dead.
    if (rc == EEXIST) rc = 0;
    if (rc == ENOSPC) {
      Fail(failure, "NO_SPACE", "/dev/shm has no room for the name that the queue needs instead", rc);
    } else if (rc != 0) {
      FailSystem(failure, "linkat", rc);
    } else {
      removed = UnlinkShmFile(FileOf(name_)) == 0;
    }
  }
  UnlockByte(fd_.get(), kNameLockByte);
  return removed;
}

Removal TryRemoveOrphan(const std::string& segment_name) {
  Descriptor fd;
  const std::string file = FileOf(segment_name);
  const int rc = OpenShmFile(file, &fd);
  if (rc == ENOENT) return Removal::kGone;
  if (rc != 0) return Removal::kKept;
  ShmFileFacts ours, named;
  if (StatDescriptor(fd.get(), &ours) != 0 || !ours.regular || ours.owner != geteuid()) return Removal::kKept;
  // Only what is recognisably ours, of whatever version: a file that merely has such a name is not for us to remove.
  uint64_t magic = 0;
  if (ReadFully(fd.get(), &magic, sizeof magic, 0) != 0 || magic != kMagic) return Removal::kKept;
  if (!TryWriteLock(fd.get(), kLifeLockByte)) {
    return IsSharedByOther(fd.get(), kLifeLockByte) ? Removal::kKept : Removal::kUnsettled;
  }
  if (StatShmName(file, &named) != 0) return Removal::kGone;
  if (named.inode != ours.inode || named.device != ours.device) return Removal::kUnsettled;
  return UnlinkShmFile(file) == 0 ? Removal::kGone : Removal::kKept;
}

}  // namespace multiproc
