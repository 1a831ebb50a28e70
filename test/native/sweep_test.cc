// Sweeping and listing: orphans go, what somebody uses stays, also while that somebody is stopped.
//
// Any other program of the library may sweep at any moment: what nobody uses may be gone before we look.

#include "core/sweep.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <bit>

#include "child.h"
#include "core/spill.h"
#include "named_segment.h"
#include "platform/fault_point.h"

namespace multiproc {
namespace {

bool Exists(const std::string& file) {
  ShmFileFacts facts;
  return StatShmName(file, &facts) == 0;
}

bool Contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

SeenSegment Look(const std::string& name) {
  for (const SeenSegment& seen : ListSegments()) {
    if (seen.name == name) return seen;
  }
  check::Fail(__FILE__, __LINE__, "not listed: " + name);
}

// Writes a spill file and puts its descriptor into the ring.
SpillDescriptor PutSpilled(Opened& queue) {
  SpillWriter spill(queue.segment->uuid());
  CHECK_EQ(spill.Write("head", 4, "body", 4), 0);
  const SpillDescriptor descriptor = spill.descriptor();
  Claim claim;
  CHECK_EQ(queue.ring().TryReserve(sizeof descriptor, &claim), kOk);
  memcpy(claim.bytes, &descriptor, sizeof descriptor);
  CHECK_EQ(queue.ring().Commit(claim.position, sizeof descriptor, kSpilledFlag), kOk);
  spill.Keep();
  return descriptor;
}

TEST(orphans_are_removed_and_others_stay) {
  Opened used = Published("used", QueueParameters());
  for (const char* name : {"dead-queue", "dead-arena"}) {
    Child user([&] {
      Published(name, name[5] == 'q' ? QueueParameters() : ArenaParameters());
      raise(SIGKILL);
    });
    CHECK_EQ(user.Wait(), -SIGKILL);
    for (const SeenSegment& seen : ListSegments()) CHECK(seen.name != RunName(name) || seen.orphan);
  }
  CHECK(!Look(RunName("used")).orphan);
  const std::vector<std::string> removed = SweepOrphans();
  CHECK(!Contains(removed, RunName("used")));
  CHECK_EQ(LeftOvers().size(), 1);
  CHECK(Exists(FileOf(RunName("used"))));
  used.Leave();
}

TEST(a_stopped_process_keeps_its_segment_and_its_spilled_messages) {
  SharedWithChildren<uint64_t> uuid;
  Child user([&] {
    Opened queue = Published("stopped", QueueParameters());
    *uuid = queue.segment->uuid();
    const SpillDescriptor descriptor = PutSpilled(queue);
    raise(SIGSTOP);
    RemoveSpill(*uuid, descriptor.id);
    queue.Leave();
  });
  CHECK(user.AwaitStop());
  SweepOrphans();
  CHECK(Exists(FileOf(RunName("stopped"))));
  CHECK_EQ(FilesWithPrefix(SpillPrefix(*uuid)).size(), 1);
  const SeenSegment seen = Look(RunName("stopped"));
  CHECK_EQ(seen.participants.size(), 1);
  CHECK(seen.participants[0].alive);
  CHECK_EQ(seen.participants[0].pid, user.pid());
  CHECK_EQ(seen.depth, 1);
  user.Continue();
  CHECK_EQ(user.Wait(), 0);
  CHECK(LeftOvers().empty());
}

TEST(spilled_messages_of_a_dead_queue_go_with_it) {
  SharedWithChildren<uint64_t> uuid;
  Child user([&] {
    Opened queue = Published("spilling", QueueParameters());
    *uuid = queue.segment->uuid();
    PutSpilled(queue);
    PutSpilled(queue);
    raise(SIGSTOP);
  });
  CHECK(user.AwaitStop());
  CHECK_EQ(FilesWithPrefix(SpillPrefix(*uuid)).size(), 2);
  user.Kill();
  CHECK_EQ(user.Wait(), -SIGKILL);
  SweepOrphans();
  CHECK_EQ(FilesWithPrefix(SpillPrefix(*uuid)).size(), 0);
  CHECK(LeftOvers().empty());
}

TEST(spilled_messages_of_an_unlinked_queue_stay_while_it_is_used) {
  Opened queue = Published("nameless", QueueParameters());
  const SpillDescriptor descriptor = PutSpilled(queue);
  Failure failure;
  CHECK(queue.segment->Unlink(&failure));
  SweepOrphans();
  Descriptor file;
  const int opened = OpenSpill(queue.segment->uuid(), descriptor, &file);
  RemoveAllSpills(queue.segment->uuid());
  queue.Leave();
  CHECK_EQ(opened, 0);
  char bytes[8];
  CHECK_EQ(ReadFully(file.get(), bytes, sizeof bytes, 0), 0);
  CHECK_EQ(memcmp(bytes, "headbody", 8), 0);
}

TEST(a_name_removed_at_any_point_of_a_sweep_keeps_its_spilled_messages) {
  bool stopped = true;
  for (uint64_t k = 1; stopped; k++) {
    Opened queue = Published("moving", QueueParameters());
    const uint64_t uuid = queue.segment->uuid();
    const SpillDescriptor descriptor = PutSpilled(queue);
    Child sweeper([&] {
      fault::Arm(k, true);
      SweepOrphans();
      fault::Arm(0, false);
    });
    stopped = sweeper.AwaitStop();
    if (stopped) {
      Failure failure;
      CHECK(queue.segment->Unlink(&failure));
      sweeper.Continue();
      CHECK_EQ(sweeper.Wait(), 0);
    }
    const bool kept = Exists(SpillFile(uuid, descriptor.id));
    RemoveAllSpills(uuid);
    queue.Leave();
    CHECK(kept);
    CHECK(LeftOvers().empty());
  }
}

TEST(collecting_takes_only_what_nobody_names_or_writes) {
  Opened queue = Published("collect", QueueParameters());
  const uint64_t uuid = queue.segment->uuid();
  const SpillDescriptor named = PutSpilled(queue);
  Gate written, finish;
  Child writer([&] {
    SpillWriter spill(uuid);
    CHECK_EQ(spill.Write("x", 1, "", 0), 0);
    written.Open();
    finish.Pass();
  });
  written.Pass();
  SharedWithChildren<SpillDescriptor> abandoned;
  Child([&] {
    SpillWriter spill(uuid);
    CHECK_EQ(spill.Write("y", 1, "", 0), 0);
    *abandoned = spill.descriptor();
    raise(SIGKILL);
  }).Wait();
  CHECK_EQ(FilesWithPrefix(SpillPrefix(uuid)).size(), 3);
  CollectSpills(uuid, queue.ring());
  CHECK(!Exists(SpillFile(uuid, abandoned->id)));
  CHECK(Exists(SpillFile(uuid, named.id)));
  CHECK_EQ(FilesWithPrefix(SpillPrefix(uuid)).size(), 2);
  finish.Open();
  CHECK_EQ(writer.Wait(), 0);
  CHECK_EQ(FilesWithPrefix(SpillPrefix(uuid)).size(), 1);
  RemoveSpill(uuid, named.id);
  queue.Leave();
}

TEST(a_spilled_message_is_opened_only_as_the_file_that_was_written) {
  Opened queue = Published("length", QueueParameters());
  const uint64_t uuid = queue.segment->uuid();
  SpillWriter spill(uuid);
  CHECK_EQ(spill.Write("12345678", 8, "90", 2), 0);
  const SpillDescriptor descriptor = spill.descriptor();
  const std::string path = "/dev/shm/" + SpillFile(uuid, descriptor.id);
  const auto outcome = [&](const SpillDescriptor& asked) {
    Descriptor file;
    const int error = OpenSpill(uuid, asked, &file);
    CHECK_EQ(file.valid(), error == 0);
    return error;
  };
  CHECK_EQ(outcome(descriptor), 0);
  for (const uint64_t wrong : {0, 9, 11}) CHECK_EQ(outcome({descriptor.id, wrong}), ESTALE);
  CHECK_EQ(outcome({descriptor.id + 1, descriptor.length}), ESTALE);
  // A file of holes can be longer than all of /dev/shm, and memory for it would end the process.
  const uint64_t petabyte = uint64_t{1} << 50;
  CHECK_EQ(truncate(path.c_str(), static_cast<off_t>(petabyte)), 0);
  CHECK_EQ(outcome({descriptor.id, petabyte}), ESTALE);
  CHECK_EQ(truncate(path.c_str(), static_cast<off_t>(descriptor.length)), 0);
  CHECK_EQ(outcome(descriptor), 0);
  if (geteuid() == 0) {
    CHECK_EQ(chown(path.c_str(), 12345, static_cast<gid_t>(-1)), 0);
    CHECK_EQ(outcome(descriptor), ESTALE);
  } else {
    printf("%s: only root can make a file of another user\n", check::current);
  }
  queue.Leave();
}

TEST(files_that_nobody_can_read_keep_no_spilled_messages) {
  const std::string file = FileOf(RunName("damaged"));
  const std::string folder = "/dev/shm/" + FileOf(RunName("folder"));
  const Descriptor fd(open(("/dev/shm/" + file).c_str(), O_RDWR | O_CREAT | O_EXCL, 0600));
  CHECK(fd.valid());
  CHECK_EQ(mkdir(folder.c_str(), 0700), 0);
  SharedWithChildren<uint64_t> uuid;
  Child([&] {
    Opened queue = Published("lost", QueueParameters());
    *uuid = queue.segment->uuid();
    PutSpilled(queue);
    raise(SIGKILL);
  }).Wait();
  SweepOrphans();
  const size_t left = FilesWithPrefix(SpillPrefix(*uuid)).size();
  const bool stays = Exists(file);
  UnlinkShmFile(file);
  CHECK_EQ(rmdir(folder.c_str()), 0);
  CHECK_EQ(left, 0);
  CHECK(stays);
}

TEST(files_that_are_not_ours_stay) {
  const std::string file = FileOf(RunName("notes"));
  const Descriptor fd(open(("/dev/shm/" + file).c_str(), O_RDWR | O_CREAT | O_EXCL, 0600));
  CHECK(fd.valid());
  CHECK_EQ(WriteFully(fd.get(), "my own notes", 12, 0), 0);
  const std::vector<std::string> removed = SweepOrphans();
  CHECK(Exists(file));
  CHECK(!Look(RunName("notes")).problem.empty());
  UnlinkShmFile(file);
  CHECK(!Contains(removed, RunName("notes")));
}

TEST(listing_changes_nothing) {
  Opened queue = Published("listed", QueueParameters());
  CHECK_EQ(FilesWithPrefix(FileOf(RunName("listed"))).size(), 1);
  // A damaged ring: looking at it must not poison it.
  auto* words =
      reinterpret_cast<Shared<uint64_t>*>(queue.segment->body() + RingPlaces::Of(queue.ring().lines(), false).states);
  const RingWordFormat format(static_cast<uint32_t>(std::countr_zero(queue.ring().lines())));
  const uint64_t lap_zero = format.Pack({0, 0, kReady, 0, 0, 127});
  words[0].Store(lap_zero, std::memory_order_relaxed);
  Look(RunName("listed"));
  CHECK_EQ(queue.segment->poisoned()->Load(std::memory_order_relaxed), 0);
  CHECK_EQ(words[0].Load(std::memory_order_relaxed), lap_zero);
  queue.Leave();
}

}  // namespace
}  // namespace multiproc
