#include "platform/process_info.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

namespace multiproc {
namespace {

size_t ReadWhole(const char* path, char* out, size_t size) {
  const int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  const ssize_t n = read(fd, out, size);
  close(fd);
  return n > 0 ? static_cast<size_t>(n) : 0;
}

uint64_t ReadStartTime() {
  char text[1024];
  const size_t n = ReadWhole("/proc/self/stat", text, sizeof text - 1);
  text[n] = '\0';
  // The command (field 2) may hold spaces and parentheses: count fields from the last parenthesis.
  const char* at = strrchr(text, ')');
  if (at == nullptr) return 0;
  for (int field = 2; field < 22 && at != nullptr; field++) at = strchr(at + 1, ' ');
  return at == nullptr ? 0 : strtoull(at + 1, nullptr, 10);
}

}  // namespace

uint32_t CurrentPid() { return static_cast<uint32_t>(getpid()); }

uint64_t CurrentStartTime() {
  static const uint64_t start = ReadStartTime();
  return start;
}

void CurrentCommand(char* out, size_t size) {
  char text[256];
  const size_t n = ReadWhole("/proc/self/cmdline", text, sizeof text);
  size_t length = 0;
  for (; length < n && length < size - 1; length++) {
    const char c = text[length];
    out[length] = c == '\0' ? ' ' : (c >= 0x20 && c < 0x7f ? c : '?');
  }
  while (length > 0 && out[length - 1] == ' ') length--;
  memset(out + length, 0, size - length);
}

void RandomBytes(void* out, size_t size) {
  char* at = static_cast<char*>(out);
  while (size > 0) {
    const ssize_t n = getrandom(at, size, 0);
    if (n <= 0) continue;
    at += n;
    size -= static_cast<size_t>(n);
  }
}

}  // namespace multiproc
