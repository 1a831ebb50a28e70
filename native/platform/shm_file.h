// ShmFile: files of the shared-memory file system (/dev/shm), by descriptor and by name.
//
// Guarantee      A file appears under its name complete or not at all (O_TMPFILE, then linkat); a creator killed
//                before Publish leaves nothing. Space is reserved when the file is made: a full file system is an
//                error here, never a SIGBUS later.
// Blocking       Never, but for the kernel clearing the pages that CreateUnnamed reserves.
// Process death  An unnamed file goes with its last descriptor.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace multiproc {

// Owns a descriptor.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(other.Release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept;
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() { Reset(); }

  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  int Release();
  void Reset();

 private:
  int fd_ = -1;
};

// The same description under a number that no program takes for a standard stream: where those are closed the system
// gives theirs away, and whatever is written to standard output would end up here. Takes `fd` over; negative if it was,
// or errno says why.
int AboveStandardStreams(int fd);

// What a name refers to.
struct ShmFileFacts {
  uint64_t size;
  uint64_t inode;
  uint64_t device;
  uint32_t owner;
  bool regular;
  bool linked;
};

// All calls return 0 or errno. `file` is a bare file name without a slash.
// Makes an unnamed file, mode 0600 whatever the umask, with `size` bytes reserved (0: none, the file is empty).
int CreateUnnamed(uint64_t size, Descriptor* out);
// Gives the file its name; EEXIST if it is taken.
int Publish(const Descriptor& fd, const std::string& file);
// Opens without following links.
int OpenShmFile(const std::string& file, Descriptor* out);
int StatDescriptor(int fd, ShmFileFacts* out);
// Facts of what the name refers to now, without following a link.
int StatShmName(const std::string& file, ShmFileFacts* out);
int UnlinkShmFile(const std::string& file);
// Appends the names in the file system that begin with `prefix`. False if it could not be read.
bool ListShmFiles(const std::string& prefix, std::vector<std::string>* names);
// Bytes free and in all on the file system; 0 if unknown.
void ShmSpace(uint64_t* free_bytes, uint64_t* total_bytes);
// Writes all bytes at `offset`; ENOSPC when the file system is full.
int WriteFully(int fd, const void* bytes, uint64_t size, uint64_t offset);
// Reads exactly `size` bytes at `offset`; EIO if the file is shorter.
int ReadFully(int fd, void* bytes, uint64_t size, uint64_t offset);

}  // namespace multiproc
