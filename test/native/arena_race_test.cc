// Attaching, freeing, reusing and reaping blocks at the same time, by threads and by processes stopped at every write.

#include <atomic>
#include <thread>

#include "arena_creator.h"
#include "child.h"

namespace multiproc {
namespace {

TEST(attaching_races_with_freeing_and_reuse) {
  // The creator makes, announces, frees; others attach to what may be gone. What they got must not change under them.
  constexpr uint64_t kRounds = 20000, kAttached = 1000;
  ArenaSegment segment(8, 8192);
  Creator me(segment);
  std::atomic<uint64_t> announced{0};  // offset << 32 | generation
  std::atomic<bool> stop{false};
  std::atomic<uint64_t> attached{0};
  std::vector<std::thread> users;
  for (int i = 0; i < 3; i++) {
    users.emplace_back([&] {
      ArenaMember member(segment);
      member.Join();
      while (!stop) {
        const uint64_t handle = announced.load();
        Block block;
        if (handle == 0 || !member->Attach(handle >> 32, static_cast<uint32_t>(handle), &block)) continue;
        const auto* value = reinterpret_cast<const uint64_t*>(block.data());
        CHECK_EQ(value[0], handle & 0xffffffff);
        CHECK_EQ(value[7], handle & 0xffffffff);
        CHECK_EQ(block.generation(), handle & 0xffffffff);
        member->Detach(block);
        attached++;
      }
    });
  }
  for (uint64_t round = 0; round < kRounds || attached < kAttached; round++) {
    const Block block = me->Allocate(Bytes(64));
    CHECK(Valid(block));
    auto* value = reinterpret_cast<uint64_t*>(block.data());
    value[0] = value[7] = block.generation();
    announced = block.offset() << 32 | block.generation();
    me->Detach(block);
  }
  stop = true;
  for (std::thread& user : users) user.join();
  CHECK(me->CountAlive() <= 8192 / 64);
}

TEST(a_paused_reaper_leaves_reused_memory_alone) {
  // A dead participant that never used the block; its reaper stops at each of its writes, and the block becomes another
  // one.
  for (uint64_t k = 1;; k++) {
    ArenaSegment segment(64, 8192);
    Creator me(segment);
    const Block condition = me->Allocate(Of(ObjectKind::kCondition));
    CHECK_EQ(Child([&] {
               ArenaMember member(segment);
               member.Join();
               raise(SIGKILL);
             }).Wait(),
             -SIGKILL);
    Child reaper([&] {
      ArenaMember member(segment);
      member.Join();
      fault::Arm(k, true);
      member.ReapAll();
      fault::Arm(0, false);
    });
    const bool stopped = reaper.AwaitStop();
    me->Detach(condition);
    // The same size, but all of the body is user memory.
    const uint64_t bytes = Block::BytesFor(Of(ObjectKind::kCondition), 64);
    const BlockRequest request = Bytes(bytes - RoundUp(condition.BodyOffset(), 64));
    CHECK_EQ(Block::BytesFor(request, 64), bytes);
    const Block value = me->Allocate(request);
    memset(value.data(), 0xff, request.data_bytes);
    if (stopped) {
      reaper.Continue();
      CHECK_EQ(reaper.Wait(), 0);
    }
    me.ReapAll();
    if (value.offset() == condition.offset()) {
      for (uint64_t i = 0; i < request.data_bytes; i++) CHECK_EQ(value.data()[i], static_cast<char>(0xff));
    }
    if (!stopped) break;
  }
}

TEST(a_creator_paused_while_freeing_takes_no_block_in_use) {
  for (uint64_t k = 1;; k++) {
    ArenaSegment segment;
    ArenaMember user(segment);
    user.Join();
    SharedWithChildren<uint64_t> offset;
    Child child([&] {
      Creator creator(segment);
      const Block block = creator->Allocate(Bytes(64));
      memset(block.data(), 'k', 64);
      *offset = block.offset();
      fault::Arm(k, true);
      creator->Detach(block);
      fault::Arm(0, false);
      raise(SIGSTOP);
      memset(creator->Allocate(Bytes(64)).data(), 'n', 64);
    });
    CHECK(child.AwaitStop());
    Block mine;
    const bool attached = user->Attach(*offset, 1, &mine);
    child.Continue();
    // Either that was the stop behind Detach, or there is one more to come.
    const bool last = !child.AwaitStop();
    if (!last) {
      child.Continue();
      CHECK_EQ(child.Wait(), 0);
    }
    if (attached) CHECK(std::string(mine.data(), 64) == std::string(64, 'k'));
    if (attached) CHECK_EQ(mine.generation(), 1);
    if (last) break;
  }
}

TEST(an_attacher_paused_anywhere_has_the_object_or_nothing) {
  for (uint64_t k = 1;; k++) {
    ArenaSegment segment;
    Creator me(segment);
    const Block block = me->Allocate(Bytes(64));
    memset(block.data(), 'k', 64);
    Child child([&] {
      ArenaMember member(segment);
      member.Join();
      Block mine;
      fault::Arm(k, true);
      const bool attached = member->Attach(block.offset(), 1, &mine);
      fault::Arm(0, false);
      if (attached) CHECK(std::string(mine.data(), 64) == std::string(64, 'k'));
    });
    const bool stopped = child.AwaitStop();
    me->Detach(block);
    const Block next = me->Allocate(Bytes(64));
    memset(next.data(), 'n', 64);
    if (!stopped) break;
    child.Continue();
    CHECK_EQ(child.Wait(), 0);
    CHECK(std::string(next.data(), 64) == std::string(64, 'n'));
    me.ReapAll();
    // Whoever got it has gone: nothing but the second object is left.
    me->Detach(me->Allocate(Bytes(64)));
    CHECK_EQ(me->CountAlive(), 1);
  }
}

}  // namespace
}  // namespace multiproc
