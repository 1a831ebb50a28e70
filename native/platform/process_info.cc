#include "platform/process_info.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <string>

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

std::string ReadCommand() {
  char text[256];
  const size_t n = ReadWhole("/proc/self/cmdline", text, sizeof text);
  std::string command;
  for (size_t i = 0; i < n; i++) command += text[i] == '\0' ? ' ' : (text[i] >= 0x20 && text[i] < 0x7f ? text[i] : '?');
  while (!command.empty() && command.back() == ' ') command.pop_back();
  return command;
}

}  // namespace

uint32_t CurrentPid() { return static_cast<uint32_t>(getpid()); }

uint64_t CurrentStartTime() {
  static const uint64_t start = ReadStartTime();
  return start;
}

void CurrentCommand(char* out, size_t size) {
  static const std::string command = ReadCommand();
  const size_t length = std::min(command.size(), size - 1);
  memcpy(out, command.data(), length);
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
