// The memory that children are given. It is decided once in a process: each test has one of its own.

#include "core/child_memory.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include <thread>

#include "child.h"
#include "core/child_process.h"
#include "descriptors.h"

namespace multiproc {
namespace {

void InAProcess(void (*body)()) { CHECK_EQ(Child(body).Wait(), 0); }

// What a shell says of the descriptor kMemoryDescriptor that it was given.
std::string SaidByChild(const std::string& script) {
  int ends[2];
  CHECK_EQ(OpenPipe(ends), 0);
  Descriptor reading(ends[0]), writing(ends[1]);
  const ProgramStart start{"/bin/sh",   {"sh", "-c", script}, {"PATH=/usr/bin:/bin"}, {kNullDevice, writing.get(), 2},
                           kNullDevice, MemoryForChildren()};
  std::shared_ptr<ChildProcess> child;
  CHECK_EQ(ChildProcess::Start(
               start, [] {}, &child),
           0);
  writing.Reset();
  std::string said;
  char bytes[4096];
  ssize_t count;
  while ((count = read(reading.get(), bytes, sizeof bytes)) > 0) said.append(bytes, static_cast<size_t>(count));
  ProgramEnd end{};
  CHECK(child->WaitForEnd(60'000'000'000, &end));
  CHECK_EQ(end.code, 0);
  return said;
}

TEST(nothing_is_given_before_it_is_decided) {
  InAProcess([] {
    CHECK_EQ(MemoryForChildren(), kNullDevice);
    CHECK(SaidByChild("cat <&4") == "");
  });
}

TEST(the_first_who_decides_gets_a_file_to_fill_and_nobody_else) {
  InAProcess([] {
    const int fd = GiveMemoryToChildren(true);
    CHECK(fd > STDERR_FILENO);
    CHECK_EQ(MemoryForChildren(), fd);
    for (const bool own : {true, false}) {
      CHECK_EQ(GiveMemoryToChildren(own), -1);
      CHECK_EQ(MemoryForChildren(), fd);
    }
    CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
    struct stat facts;
    CHECK_EQ(fstat(fd, &facts), 0);
    CHECK_EQ(facts.st_size, 0);
    CHECK_EQ(facts.st_nlink, 0);
  });
}

TEST(threads_that_decide_at_the_same_time_agree_on_one_file) {
  InAProcess([] {
    std::atomic<int> ready{0}, files{0}, file{-1};
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; i++) {
      threads.emplace_back([&] {
        ready++;
        while (ready < 4) continue;
        const int fd = GiveMemoryToChildren(true);
        if (fd < 0) return;
        files++;
        file = fd;
      });
    }
    for (std::thread& thread : threads) thread.join();
    CHECK_EQ(files.load(), 1);
    CHECK_EQ(MemoryForChildren(), file.load());
  });
}

TEST(a_child_reads_what_was_written_before_its_start_and_after) {
  InAProcess([] {
    const int fd = GiveMemoryToChildren(true);
    CHECK_EQ(pwrite(fd, "early ", 6, 0), 6);
    CHECK(SaidByChild("cat <&4") == "early ");
    CHECK_EQ(pwrite(fd, "late", 4, 6), 4);
    // All share one place in it: each must say from where it reads.
    CHECK(SaidByChild("cat /dev/fd/4") == "early late");
  });
}

TEST(what_is_sealed_is_read_and_changed_by_nobody) {
  InAProcess([] {
    const int fd = GiveMemoryToChildren(true);
    CHECK_EQ(pwrite(fd, "whole", 5, 0), 5);
    SealMemory(fd);
    errno = 0;
    CHECK_EQ(pwrite(fd, "x", 1, 0), -1);
    CHECK_EQ(errno, EPERM);
    for (const off_t size : {0, 4, 6}) CHECK_EQ(ftruncate(fd, size), -1);
    CHECK(mmap(nullptr, 5, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED);
    CHECK(SaidByChild("echo stray 2>/dev/null >&4; cat /dev/fd/4") == "whole");
  });
}

TEST(a_child_hands_on_what_it_was_given) {
  InAProcess([] {
    CHECK_EQ(dup2(memfd_create("given", MFD_CLOEXEC), kMemoryDescriptor), kMemoryDescriptor);
    CHECK_EQ(pwrite(kMemoryDescriptor, "given", 5, 0), 5);
    CHECK_EQ(GiveMemoryToChildren(false), kMemoryDescriptor);
    CHECK(SaidByChild("cat /dev/fd/4") == "given");
  });
}

TEST(a_child_without_the_descriptor_has_none_to_hand_on_and_starts_children) {
  InAProcess([] {
    close(kMemoryDescriptor);
    CHECK_EQ(GiveMemoryToChildren(false), kMemoryDescriptor);
    CHECK(SaidByChild("echo started") == "started\n");
  });
}

TEST(without_descriptors_children_get_nothing_and_nothing_is_open) {
  InAProcess([] {
    const auto before = OpenDescriptors();
    {
      const DescriptorLimit none(0);
      CHECK_EQ(GiveMemoryToChildren(true), -1);
    }
    CHECK_EQ(MemoryForChildren(), kNullDevice);
    CHECK(OpenDescriptors() == before);
  });
}

}  // namespace
}  // namespace multiproc
