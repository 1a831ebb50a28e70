// Segments by name: complete or absent, gone with the last user, refused when they are not what they should be.

#include "core/segment.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "child.h"
#include "named_segment.h"

namespace multiproc {
namespace {

std::string PathOf(const std::string& name) { return "/dev/shm/" + FileOf(RunName(name)); }

// Opens without joining and says why not; "" if it opened.
std::string Refusal(const std::string& name, std::string* reason = nullptr) {
  Failure failure;
  const std::unique_ptr<Segment> segment = Segment::Open(RunName(name), &failure);
  if (reason != nullptr) *reason = failure.reason;
  return segment == nullptr ? failure.code : "";
}

void WriteFile(const std::string& name, const std::string& bytes) {
  const Descriptor fd(open(PathOf(name).c_str(), O_RDWR | O_CREAT | O_TRUNC, 0600));
  CHECK(fd.valid());
  CHECK_EQ(WriteFully(fd.get(), bytes.data(), bytes.size(), 0), 0);
}

std::string ReadFile(const std::string& name) {
  const Descriptor fd(open(PathOf(name).c_str(), O_RDONLY));
  ShmFileFacts facts;
  CHECK_EQ(StatDescriptor(fd.get(), &facts), 0);
  std::string bytes(facts.size, '\0');
  CHECK_EQ(ReadFully(fd.get(), bytes.data(), bytes.size(), 0), 0);
  return bytes;
}

TEST(what_is_created_can_be_opened_with_the_same_parameters) {
  SegmentParameters parameters = QueueParameters(2048);
  parameters.maxsize = 5;
  parameters.counted = true;
  parameters.body_bytes = RingPlaces::Of(2048, true).total;
  parameters.meta = std::string("meta\0text", 9);
  Opened made = Published("same", parameters);
  Failure failure;
  Opened opened = TryOpen("same", &failure);
  CHECK(opened.segment != nullptr);
  const SegmentParameters& seen = opened.segment->parameters();
  CHECK(seen.kind == SegmentKind::kQueue);
  CHECK_EQ(seen.lines, 2048);
  CHECK_EQ(seen.maxsize, 5);
  CHECK(seen.counted);
  CHECK(seen.meta == parameters.meta);
  CHECK_EQ(opened.segment->uuid(), made.segment->uuid());
  CHECK_EQ(opened.segment->total_bytes(), made.segment->total_bytes());
  CHECK(opened.segment->registry().self() != made.segment->registry().self());
  CHECK(!opened.Leave());
  CHECK(made.Leave());
  CHECK(LeftOvers().empty());
}

TEST(the_file_is_private_whatever_the_umask) {
  const mode_t before = umask(0);
  Opened made = Published("mode", ArenaParameters());
  struct stat st;
  CHECK_EQ(stat(PathOf("mode").c_str(), &st), 0);
  CHECK_EQ(st.st_mode & 07777, 0600);
  umask(before);
  made.Leave();
}

TEST(nothing_is_seen_before_publication) {
  Opened made = Make("hidden", ArenaParameters());
  CHECK(Refusal("hidden") == "NOT_FOUND");
  CHECK(LeftOvers().empty());
  CHECK(made.Leave());
}

TEST(a_name_in_use_is_taken) {
  Opened made = Published("taken", ArenaParameters());
  Opened second = Make("taken", ArenaParameters());
  Failure failure;
  CHECK(!second.segment->Publish(&failure));
  CHECK(std::string(failure.code) == "EXISTS");
  CHECK(second.Leave());
  CHECK(Refusal("taken").empty());
  CHECK(made.Leave());
  CHECK(Refusal("taken") == "NOT_FOUND");
}

TEST(the_left_over_of_the_dead_keeps_no_name) {
  for (const bool by_open : {false, true}) {
    Child([&] {
      Published("orphan", ArenaParameters());
      raise(SIGKILL);
    }).Wait();
    CHECK_EQ(LeftOvers().size(), 1);
    if (by_open) {
      CHECK(Refusal("orphan") == "NOT_FOUND");
      CHECK(LeftOvers().empty());
    }
    Opened made = Published("orphan", ArenaParameters());
    CHECK(made.Leave());
    CHECK(LeftOvers().empty());
  }
}

TEST(a_stopped_user_keeps_the_segment) {
  Child user([&] {
    Opened made = Published("stopped", ArenaParameters());
    raise(SIGSTOP);
    made.Leave();
  });
  CHECK(user.AwaitStop());
  CHECK(!RemoveIfOrphan(RunName("stopped")));
  Opened second = Make("stopped", ArenaParameters());
  Failure failure;
  CHECK(!second.segment->Publish(&failure));
  second.Leave();
  CHECK(Refusal("stopped").empty());
  user.Continue();
  CHECK_EQ(user.Wait(), 0);
  CHECK(LeftOvers().empty());
}

TEST(a_creator_killed_at_every_write_leaves_nothing_or_an_orphan) {
  uint64_t points = 0;
  for (uint64_t k = 1;; k++) {
    const int end = Child([&] {
                      fault::Arm(k, false);
                      Opened made = Published("creator", ArenaParameters());
                      made.Leave();
                      fault::Arm(0, false);
                    }).Wait();
    CHECK(RemoveIfOrphan(RunName("creator")));
    CHECK(LeftOvers().empty());
    if (end == 0) break;
    CHECK_EQ(end, -SIGKILL);
    points++;
  }
  printf("%s: killed at %llu writes\n", check::current, static_cast<unsigned long long>(points));
  CHECK(points > 0);
}

TEST(the_last_of_many_that_leave_at_once_removes_the_file) {
  constexpr int kUsers = 6;
  for (int round = 0; round < 50; round++) {
    Opened made = Published("together", ArenaParameters());
    Gate joined, go;
    std::vector<Child> users;
    for (int i = 0; i < kUsers; i++) {
      users.emplace_back([&] {
        Failure failure;
        Opened opened = TryOpen("together", &failure);
        CHECK(opened.segment != nullptr);
        joined.Open();
        go.Pass();
        opened.Leave();
      });
    }
    for (int i = 0; i < kUsers; i++) joined.Pass();
    for (int i = 0; i < kUsers; i++) go.Open();
    made.Leave();
    for (Child& user : users) CHECK_EQ(user.Wait(), 0);
    CHECK(LeftOvers().empty());
  }
}

TEST(one_name_created_opened_left_and_unlinked_by_many) {
  // Whoever has it open has a segment that works, whatever the others do to the name.
  constexpr int kProcesses = 8, kRounds = 60;
  SharedWithChildren<std::atomic<uint64_t>> created, opened_count;
  std::vector<Child> processes;
  for (int i = 0; i < kProcesses; i++) {
    processes.emplace_back([&, i] {
      for (int round = 0; round < kRounds; round++) {
        Failure failure;
        Opened mine = TryOpen("busy", &failure);
        if (mine.segment != nullptr) {
          (*opened_count)++;
        } else {
          CHECK(std::string(failure.code) == "NOT_FOUND" || std::string(failure.code) == "LIMIT");
          mine = Make("busy", QueueParameters());
          if (!mine.segment->Publish(&failure)) {
            CHECK(std::string(failure.code) == "EXISTS");
            mine.Leave();
            continue;
          }
          (*created)++;
        }
        Claim claim;
        const Status put = mine.ring().TryReserve(10, &claim);
        CHECK(put == kOk || put == kAgain);
        if (put == kOk) CHECK_EQ(mine.ring().Commit(claim.position, 10, 0), kOk);
        if (mine.ring().TryClaim(10, &claim) == kOk) CHECK_EQ(mine.ring().Release(claim.position), kOk);
        if ((round + i) % 5 == 0) mine.segment->Unlink();
        mine.Leave();
      }
    });
  }
  for (Child& process : processes) CHECK_EQ(process.Wait(), 0);
  printf("%s: %llu created, %llu opened\n", check::current, static_cast<unsigned long long>(created->load()),
         static_cast<unsigned long long>(opened_count->load()));
  CHECK(created->load() > 0);
  CHECK(LeftOvers().empty());
}

TEST(unlinking_frees_the_name_and_keeps_the_segment) {
  Opened made = Published("unlinked", QueueParameters());
  Failure failure;
  Opened user = TryOpen("unlinked", &failure);
  CHECK(made.segment->Unlink());
  CHECK(!user.segment->Unlink());
  CHECK(Refusal("unlinked") == "NOT_FOUND");
  Opened next = Published("unlinked", QueueParameters());
  CHECK(!user.segment->Unlink());  // that name is another segment's now
  Claim claim;
  CHECK_EQ(user.ring().TryReserve(3, &claim), kOk);
  CHECK_EQ(user.ring().Commit(claim.position, 3, 0), kOk);
  CHECK_EQ(made.ring().Size(), 1);
  CHECK_EQ(next.ring().Size(), 0);
  CHECK(!user.Leave());
  CHECK(made.Leave());
  CHECK(Refusal("unlinked").empty());
  CHECK(next.Leave());
  CHECK(LeftOvers().empty());
}

TEST(participants_beyond_the_limit_are_told) {
  Opened made = Published("limit", ArenaParameters(3));
  Failure failure;
  Opened second = TryOpen("limit", &failure), third = TryOpen("limit", &failure);
  CHECK(second.segment != nullptr && third.segment != nullptr);
  CHECK(TryOpen("limit", &failure).segment == nullptr);
  CHECK(std::string(failure.code) == "LIMIT");
  CHECK(failure.reason.find('3') != std::string::npos);
  second.Leave();
  second = TryOpen("limit", &failure);
  CHECK(second.segment != nullptr);
  second.Leave();
  third.Leave();
  made.Leave();
}

TEST(a_dead_participant_makes_room_for_the_next) {
  Opened made = Published("room", ArenaParameters(2));
  for (int i = 0; i < 5; i++) {
    CHECK_EQ(Child([&] {
               Failure failure;
               Opened opened = TryOpen("room", &failure);
               CHECK(opened.segment != nullptr);
               raise(SIGKILL);
             }).Wait(), -SIGKILL);
  }
  made.Leave();
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
  for (const size_t size : {size_t{0}, size_t{1}, size_t{100}, size_t{4095}, size_t{4096}, good.size() - 1, good.size() - 4096}) {
    WriteFile("cut", good.substr(0, size));
    CHECK(Refusal("cut") == "CORRUPT_SEGMENT");
  }
  WriteFile("cut", good + "x");
  CHECK(Refusal("cut") == "CORRUPT_SEGMENT");
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
    printf("%s: only root can make a file of another user; the rule is checked by the owner field alone\n", check::current);
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

TEST(more_than_there_is_fails_at_creation_with_the_figures) {
  SegmentParameters parameters = ArenaParameters();
  uint64_t free_bytes, total_bytes;
  ShmSpace(&free_bytes, &total_bytes);
  CHECK(total_bytes > 0);
  parameters.body_bytes = RoundUp(total_bytes, 4096) + (uint64_t{1} << 30);
  Failure failure;
  CHECK(Segment::Create(RunName("huge"), parameters, &failure) == nullptr);
  CHECK(std::string(failure.code) == "NO_SPACE");
  CHECK(failure.asked > parameters.body_bytes);
  CHECK(failure.free <= total_bytes);
  ShmSpace(&free_bytes, &total_bytes);
  CHECK(free_bytes > 0);
}

}  // namespace
}  // namespace multiproc
