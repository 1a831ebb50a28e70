#include "core/segment_name.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include <algorithm>

#include "platform/process_info.h"

namespace multiproc {
namespace {

constexpr size_t kMostCharacters = 200;
constexpr size_t kHexDigits = 16;

std::string Hex(uint64_t value) {
  char text[kHexDigits + 1];
  snprintf(text, sizeof text, "%016" PRIx64, value);
  return text;
}

bool IsHex(const std::string& text, size_t at) {
  if (text.size() < at + kHexDigits) return false;
  return std::all_of(text.begin() + static_cast<long>(at), text.begin() + static_cast<long>(at + kHexDigits),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

}  // namespace

bool IsUserName(const std::string& name) {
  if (name.empty() || name.size() > kMostCharacters) return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-';
  });
}

bool IsSegmentName(const std::string& name) {
  return IsUserName(name) || (name.size() == 1 + kHexDigits && name[0] == '~' && IsHex(name, 1));
}

std::string RandomSegmentName() {
  uint64_t random;
  RandomBytes(&random, sizeof random);
  return "~" + Hex(random);
}

std::string FilePrefix() {
  static const std::string prefix = "multiproc." + std::to_string(geteuid()) + ".";
  return prefix;
}

std::string FileOf(const std::string& segment) { return FilePrefix() + segment; }

std::string KeeperName(uint64_t queue_uuid) { return "!" + Hex(queue_uuid); }

bool IsKeeperName(const std::string& name) { return name.size() == 1 + kHexDigits && name[0] == '!' && IsHex(name, 1); }

std::string SpillPrefix(uint64_t queue_uuid) { return FilePrefix() + "~" + Hex(queue_uuid) + "."; }

std::string SpillFile(uint64_t queue_uuid, uint64_t id) { return SpillPrefix(queue_uuid) + Hex(id); }

bool ParseSpillName(const std::string& name, uint64_t* queue_uuid, uint64_t* id) {
  if (name.size() != 2 + 2 * kHexDigits || name[0] != '~' || name[1 + kHexDigits] != '.') return false;
  if (!IsHex(name, 1) || !IsHex(name, 2 + kHexDigits)) return false;
  return sscanf(name.c_str(), "~%16" SCNx64 ".%16" SCNx64, queue_uuid, id) == 2;
}

}  // namespace multiproc
