// Spill: messages too large for the ring, each in a file of its own whose id goes through the ring.
//
// Guarantee      The file exists before the ring record that names it is committed, and until that record is
//                consumed.
// Blocking       Never, but for copying.
// Process death  A producer killed before the commit, or a consumer killed between consuming and removing, leaves a
//                file that no record names: CollectSpills removes it, called when somebody of the queue was found
//                dead, by whoever leaves the queue last, and by the sweep for queues that are gone. While a producer
//                is still busy it holds a lock on the file, so that nobody mistakes a file not yet named for one no
//                longer named.
#pragma once

#include <cstdint>
#include <memory>

#include "core/ring.h"
#include "platform/shm_file.h"

namespace multiproc {

// A spill file being written by its producer. Removes the file when destroyed before Keep.
class SpillWriter {
 public:
  explicit SpillWriter(uint64_t queue_uuid);
  ~SpillWriter();
  SpillWriter(const SpillWriter&) = delete;
  SpillWriter& operator=(const SpillWriter&) = delete;

  // Writes head and body into a new file and gives it its name. 0 or errno (ENOSPC: /dev/shm is full).
  int Write(const void* head, uint64_t head_bytes, const void* body, uint64_t body_bytes);
  SpillDescriptor descriptor() const { return descriptor_; }
  // Gives the memory of a failed Write back.
  void Discard() { fd_.Reset(); }
  // The record that names the file is committed.
  void Keep() { kept_ = true; }

 private:
  uint64_t queue_uuid_;
  SpillDescriptor descriptor_{};
  Descriptor fd_;
  bool named_ = false;
  bool kept_ = false;
};

// What the record of a spilled message says of its file; false if no library wrote that.
bool DescriptorOf(const Claim& claim, SpillDescriptor* descriptor);
// Opens a spilled message's file and checks what it is. 0; ESTALE if it is gone or not what the descriptor says,
// whoever asks and however often; or the errno of a lack that may pass (descriptors, memory). Read it with ReadFully,
// where EIO says that it was cut meanwhile: a mapping would keep its pages in /dev/shm for as long as a garbage
// collector likes.
int OpenSpill(uint64_t queue_uuid, const SpillDescriptor& descriptor, Descriptor* out);
void RemoveSpill(uint64_t queue_uuid, uint64_t id);
// Removes the queue's spill files that no record names and no producer holds.
void CollectSpills(uint64_t queue_uuid, Ring& ring);
// Removes all spill files of a queue that is gone.
void RemoveAllSpills(uint64_t queue_uuid);

}  // namespace multiproc
