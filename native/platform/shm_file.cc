#include "platform/shm_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "platform/fault_point.h"

namespace multiproc {
namespace {

constexpr char kDirectory[] = "/dev/shm";

std::string PathOf(const std::string& file) { return std::string(kDirectory) + "/" + file; }

ShmFileFacts FactsOf(const struct stat& st) {
  return {static_cast<uint64_t>(st.st_size), st.st_ino, st.st_dev, st.st_uid, S_ISREG(st.st_mode), st.st_nlink > 0};
}

}  // namespace

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  if (this != &other) {
    Reset();
    fd_ = other.Release();
  }
  return *this;
}

int Descriptor::Release() {
  const int fd = fd_;
  fd_ = -1;
  return fd;
}

void Descriptor::Reset() {
  if (fd_ < 0) return;
  SYSTEM_CALL_POINTS();
  close(fd_);
  fd_ = -1;
}

int AboveStandardStreams(int fd) {
  if (fd < 0 || fd > STDERR_FILENO) return fd;
  const int above = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
  const int error = errno;
  close(fd);
  errno = error;
  return above;
}

int CreateUnnamed(uint64_t size, Descriptor* out) {
  SYSTEM_CALL_POINTS();
  Descriptor fd(AboveStandardStreams(open(kDirectory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600)));
  if (!fd.valid()) return errno;
  FAULT_POINT();
  if (fchmod(fd.get(), 0600) != 0) return errno;
  if (size > 0) {
    FAULT_POINT();
    int rc;
    do rc = posix_fallocate(fd.get(), 0, static_cast<off_t>(size));
    while (rc == EINTR);
    if (rc != 0) return rc;
  }
  *out = std::move(fd);
  return 0;
}

int Publish(const Descriptor& fd, const std::string& file) {
  SYSTEM_CALL_POINTS();
  char self[64];
  snprintf(self, sizeof self, "/proc/self/fd/%d", fd.get());
  return linkat(AT_FDCWD, self, AT_FDCWD, PathOf(file).c_str(), AT_SYMLINK_FOLLOW) == 0 ? 0 : errno;
}

int OpenShmFile(const std::string& file, Descriptor* out) {
  SYSTEM_CALL_POINTS();
  // O_NONBLOCK: a FIFO put under the name must not make us wait for its other end; it has no effect on regular files.
  const int fd = AboveStandardStreams(open(PathOf(file).c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (fd < 0) return errno;
  *out = Descriptor(fd);
  return 0;
}

int StatDescriptor(int fd, ShmFileFacts* out) {
  SYSTEM_CALL_POINTS();
  struct stat st;
  if (fstat(fd, &st) != 0) return errno;
  *out = FactsOf(st);
  return 0;
}

int StatShmName(const std::string& file, ShmFileFacts* out) {
  SYSTEM_CALL_POINTS();
  struct stat st;
  if (lstat(PathOf(file).c_str(), &st) != 0) return errno;
  *out = FactsOf(st);
  return 0;
}

int UnlinkShmFile(const std::string& file) {
  SYSTEM_CALL_POINTS();
  return unlink(PathOf(file).c_str()) == 0 ? 0 : errno;
}

bool ListShmFiles(const std::string& prefix, std::vector<std::string>* names) {
  SYSTEM_CALL_POINTS();
  DIR* directory = opendir(kDirectory);
  if (directory == nullptr) return false;
  errno = 0;
  while (const dirent* entry = readdir(directory)) {
    std::string name = entry->d_name;
    if (name.compare(0, prefix.size(), prefix) == 0) names->push_back(std::move(name));
  }
  const bool complete = errno == 0;
  closedir(directory);
  return complete;
}

void ShmSpace(uint64_t* free_bytes, uint64_t* total_bytes) {
  SYSTEM_CALL_POINTS();
  *free_bytes = 0;
  *total_bytes = 0;
  struct statvfs fs;
  if (statvfs(kDirectory, &fs) != 0) return;
  *free_bytes = static_cast<uint64_t>(fs.f_bavail) * fs.f_frsize;
  *total_bytes = static_cast<uint64_t>(fs.f_blocks) * fs.f_frsize;
}

int WriteFully(int fd, const void* bytes, uint64_t size, uint64_t offset) {
  const char* at = static_cast<const char*>(bytes);
  while (size > 0) {
    SYSTEM_CALL_POINTS();
    const ssize_t n = pwrite(fd, at, size, static_cast<off_t>(offset));
    if (n < 0) {
      if (errno == EINTR) continue;
      return errno;
    }
    at += n;
    offset += static_cast<uint64_t>(n);
    size -= static_cast<uint64_t>(n);
  }
  return 0;
}

int ReadFully(int fd, void* bytes, uint64_t size, uint64_t offset) {
  char* at = static_cast<char*>(bytes);
  while (size > 0) {
    SYSTEM_CALL_POINTS();
    const ssize_t n = pread(fd, at, size, static_cast<off_t>(offset));
    if (n < 0) {
      if (errno == EINTR) continue;
      return errno;
    }
    if (n == 0) return EIO;
    at += n;
    offset += static_cast<uint64_t>(n);
    size -= static_cast<uint64_t>(n);
  }
  return 0;
}

}  // namespace multiproc
