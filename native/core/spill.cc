#include "core/spill.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <set>

#include "core/segment_name.h"
#include "platform/file_lock.h"
#include "platform/process_info.h"

namespace multiproc {
namespace {

// Would another attempt, or another process, have more luck?
bool MayPass(int error) { return error == EMFILE || error == ENFILE || error == ENOMEM || error == EINTR; }

// More than /dev/shm can hold is no message, but a file of holes.
bool CanBeWritten(uint64_t bytes) {
  uint64_t free_bytes = 0, total = 0;
  ShmSpace(&free_bytes, &total);
  return total == 0 || bytes <= total;
}

}  // namespace

SpillWriter::SpillWriter(uint64_t queue_uuid) : queue_uuid_(queue_uuid) {
  RandomBytes(&descriptor_.id, sizeof descriptor_.id);
}

SpillWriter::~SpillWriter() {
  if (named_ && !kept_) RemoveSpill(queue_uuid_, descriptor_.id);
}

int SpillWriter::Write(const void* head, uint64_t head_bytes, const void* body, uint64_t body_bytes) {
  descriptor_.length = head_bytes + body_bytes;
  // No reservation: pwrite allocates and fills each page in one go, and says ENOSPC itself.
  int rc = CreateUnnamed(0, &fd_);
  if (rc == 0) rc = WriteFully(fd_.get(), head, head_bytes, 0);
  if (rc == 0) rc = WriteFully(fd_.get(), body, body_bytes, head_bytes);
  if (rc != 0) return rc;
  if (!TryWriteLock(fd_.get(), kLifeLockByte, &rc)) return rc;
  rc = Publish(fd_, SpillFile(queue_uuid_, descriptor_.id));
  named_ = rc == 0;
  FAULT_POINT();
  return rc;
}

bool DescriptorOf(const Claim& claim, SpillDescriptor* descriptor) {
  if ((claim.flags & kSpilledFlag) == 0 || claim.length != sizeof *descriptor) return false;
  memcpy(descriptor, claim.bytes, sizeof *descriptor);
  return true;
}

int OpenSpill(uint64_t queue_uuid, const SpillDescriptor& descriptor, Descriptor* out) {
  if (descriptor.length == 0 || !CanBeWritten(descriptor.length)) return ESTALE;
  Descriptor fd;
  int rc = OpenShmFile(SpillFile(queue_uuid, descriptor.id), &fd);
  if (rc != 0) return MayPass(rc) ? rc : ESTALE;
  ShmFileFacts facts;
  rc = StatDescriptor(fd.get(), &facts);
  if (rc != 0) return MayPass(rc) ? rc : ESTALE;
  if (!facts.regular || facts.owner != geteuid() || facts.size != descriptor.length) return ESTALE;
  *out = std::move(fd);
  return 0;
}

void RemoveSpill(uint64_t queue_uuid, uint64_t id) { UnlinkShmFile(SpillFile(queue_uuid, id)); }

void CollectSpills(uint64_t queue_uuid, Ring& ring) {
  const std::string prefix = SpillPrefix(queue_uuid);
  std::vector<std::string> files;
  ListShmFiles(prefix, &files);
  if (files.empty()) return;
  // First find the files that no producer holds, then look which of them the ring names: the other way round, a commit
  // in between would make a named file look unnamed.
  std::vector<std::string> idle;
  for (const std::string& file : files) {
    Descriptor fd;
    if (OpenShmFile(file, &fd) == 0 && TryWriteLock(fd.get(), kLifeLockByte)) idle.push_back(file);
  }
  if (idle.empty()) return;
  std::set<std::string> named;
  ring.ForEachHeld([&](uint32_t flags, const char* bytes) {
    if ((flags & kSpilledFlag) == 0) return;
    SpillDescriptor descriptor;
    memcpy(&descriptor, bytes, sizeof descriptor);
    named.insert(SpillFile(queue_uuid, descriptor.id));
  });
  for (const std::string& file : idle) {
    if (named.count(file) == 0) UnlinkShmFile(file);
  }
}

void RemoveAllSpills(uint64_t queue_uuid) {
  std::vector<std::string> files;
  ListShmFiles(SpillPrefix(queue_uuid), &files);
  for (const std::string& file : files) UnlinkShmFile(file);
}

}  // namespace multiproc
