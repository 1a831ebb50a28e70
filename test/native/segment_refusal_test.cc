// Segments that are not what they should be: damaged, truncated, foreign, or no segments at all.

#include <fcntl.h>
#include <sys/stat.h>

#include "named_segment.h"
#include "platform/file_lock.h"

namespace multiproc {
namespace {

// Holds the life lock while the result exists, so that no other program takes the file for an orphan.
Descriptor WriteFile(const std::string& name, const std::string& bytes) {
  Descriptor fd(open(PathOf(name).c_str(), O_RDWR | O_CREAT | O_TRUNC, 0600));
  CHECK(fd.valid());
  CHECK(TryReadLock(fd.get(), kLifeLockByte));
  CHECK_EQ(WriteFully(fd.get(), bytes.data(), bytes.size(), 0), 0);
  return fd;
}

std::string ReadFile(const std::string& name) {
  const Descriptor fd(open(PathOf(name).c_str(), O_RDONLY));
  ShmFileFacts facts;
  CHECK_EQ(StatDescriptor(fd.get(), &facts), 0);
  std::string bytes(facts.size, '\0');
  CHECK_EQ(ReadFully(fd.get(), bytes.data(), bytes.size(), 0), 0);
  return bytes;
}

TEST(every_damaged_bit_of_the_header_is_refused) {
  Opened made = Published("damage", QueueParameters());
  const std::string good = ReadFile("damage");
  const Descriptor fd(open(PathOf("damage").c_str(), O_RDWR));
  for (size_t byte = 0; byte < offsetof(SegmentHeader, checksum) + 4; byte++) {
    for (const int bit : {0, 3, 7}) {
      const char damaged = static_cast<char>(good[byte] ^ (1 << bit));
      CHECK_EQ(WriteFully(fd.get(), &damaged, 1, byte), 0);
      const std::string code = Refusal("damage");
      CHECK(code == "CORRUPT_SEGMENT" || (code == "VERSION" && byte >= 8 && byte < 16));
      CHECK_EQ(WriteFully(fd.get(), &good[byte], 1, byte), 0);
    }
  }
  CHECK(Refusal("damage").empty());
  made.Leave();
}

TEST(a_newer_layout_is_named_as_such) {
  Opened made = Published("version", ArenaParameters());
  const Descriptor fd(open(PathOf("version").c_str(), O_RDWR));
  const uint32_t newer = kLayoutVersion + 1;
  CHECK_EQ(WriteFully(fd.get(), &newer, sizeof newer, offsetof(SegmentHeader, version)), 0);
  std::string reason;
  CHECK(Refusal("version", &reason) == "VERSION");
  CHECK(reason.find(std::to_string(newer)) != std::string::npos);
  made.Leave();
}

TEST(a_truncated_or_longer_file_is_refused) {
  Opened made = Published("cut", ArenaParameters());
  const std::string good = ReadFile("cut");
  made.Leave();
  for (const size_t size :
       {size_t{0}, size_t{1}, size_t{100}, size_t{4095}, size_t{4096}, good.size() - 1, good.size() - 4096}) {
    const Descriptor used = WriteFile("cut", good.substr(0, size));
    CHECK(Refusal("cut") == "CORRUPT_SEGMENT");
  }
  {
    const Descriptor used = WriteFile("cut", good + "x");
    CHECK(Refusal("cut") == "CORRUPT_SEGMENT");
  }
  WriteFile("cut", good);
  CHECK(Refusal("cut") == "NOT_FOUND");  // complete, but nobody's: an orphan
  CHECK(LeftOvers().empty());
}

TEST(what_is_no_segment_is_refused_and_left_alone) {
  WriteFile("foreign", std::string(100'000, 'x'));
  CHECK(Refusal("foreign") == "CORRUPT_SEGMENT");
  CHECK_EQ(unlink(PathOf("foreign").c_str()), 0);

  CHECK_EQ(mkdir(PathOf("folder").c_str(), 0700), 0);
  CHECK(Refusal("folder") == "CORRUPT_SEGMENT");
  CHECK(!RemoveIfOrphan(RunName("folder")));
  CHECK_EQ(rmdir(PathOf("folder").c_str()), 0);

  CHECK_EQ(mkfifo(PathOf("fifo").c_str(), 0600), 0);
  CHECK(Refusal("fifo") == "CORRUPT_SEGMENT");
  CHECK(!RemoveIfOrphan(RunName("fifo")));
  CHECK_EQ(unlink(PathOf("fifo").c_str()), 0);

  Opened target = Published("target", ArenaParameters());
  CHECK_EQ(symlink(PathOf("target").c_str(), PathOf("link").c_str()), 0);
  CHECK(Refusal("link") == "CORRUPT_SEGMENT");
  CHECK(!RemoveIfOrphan(RunName("link")));
  CHECK_EQ(unlink(PathOf("link").c_str()), 0);
  target.Leave();
}

TEST(a_foreign_file_keeps_its_name) {
  // It is not ours to remove, so creating under its name fails.
  WriteFile("occupied", "somebody's notes");
  Opened made = Make("occupied", ArenaParameters());
  Failure failure;
  const bool published = made.segment->Publish(&failure);
  made.Leave();
  unlink(PathOf("occupied").c_str());
  CHECK(!published);
  CHECK(std::string(failure.code) == "EXISTS");
}

TEST(another_users_segment_is_refused) {
  if (geteuid() != 0) {
    printf("%s: only root can make a file of another user; the rule is checked by the owner field alone\n",
           check::current);
    return;
  }
  Opened made = Published("owner", ArenaParameters());
  CHECK_EQ(chown(PathOf("owner").c_str(), 12345, 12345), 0);
  std::string reason;
  CHECK(Refusal("owner", &reason) == "PERMISSION");
  CHECK(reason.find("12345") != std::string::npos);
  CHECK_EQ(chown(PathOf("owner").c_str(), geteuid(), getegid()), 0);
  made.Leave();
}

}  // namespace
}  // namespace multiproc
