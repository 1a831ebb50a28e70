// Segments by name: complete or absent, gone with the last user.

#include "core/segment.h"

#include <sys/stat.h>

#include "child.h"
#include "named_segment.h"

namespace multiproc {
namespace {

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
    CHECK(LeftOvers().size() <= 1);  // another program may have swept already
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
        if ((round + i) % 5 == 0) mine.segment->Unlink(&failure);
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
  CHECK(made.segment->Unlink(&failure));
  CHECK(!user.segment->Unlink(&failure));
  CHECK(Refusal("unlinked") == "NOT_FOUND");
  Opened next = Published("unlinked", QueueParameters());
  CHECK(!user.segment->Unlink(&failure));  // that name is another segment's now
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
             }).Wait(),
             -SIGKILL);
  }
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
