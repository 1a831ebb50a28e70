// The arena: allocation and reuse, generations, offsets from nowhere, users that are killed.

#include "core/arena.h"

#include <set>

#include "arena_creator.h"
#include "child.h"
#include "core/segment.h"

namespace multiproc {
namespace {

TEST(a_block_holds_what_was_asked_for) {
  ArenaSegment segment;
  Creator me(segment);
  BlockRequest request = Bytes(100, "the meta text");
  request.parameter[0] = 1.5;
  request.parameter[1] = -2;
  const Block block = me->Allocate(request);
  CHECK(Valid(block));
  CHECK(block.kind() == ObjectKind::kValue);
  CHECK_EQ(block.generation(), 1);
  CHECK_EQ(block.header().data_bytes, 100);
  CHECK_EQ(block.header().parameter[0], 1.5);
  CHECK_EQ(block.header().parameter[1], -2.0);
  CHECK(block.meta() == "the meta text");
  CHECK_EQ(reinterpret_cast<uintptr_t>(block.data()) % 64, 0);
  for (int i = 0; i < 100; i++) CHECK_EQ(block.data()[i], 0);
  CHECK(block.data() + 100 <= segment.body() + block.offset() + Block::BytesFor(request, 8) - block.meta().size());
}

TEST(blocks_do_not_overlap_and_a_full_arena_says_so) {
  ArenaSegment segment(8, 8192);
  Creator me(segment);
  std::vector<Block> blocks;
  for (;;) {
    const Block block = me->Allocate(Bytes(1 + blocks.size() % 200));
    if (!Valid(block)) break;
    memset(block.data(), static_cast<int>(blocks.size()), block.header().data_bytes);
    blocks.push_back(block);
  }
  CHECK(blocks.size() > 20);
  CHECK_EQ(me->CountAlive(), blocks.size());
  for (size_t i = 0; i < blocks.size(); i++) {
    for (uint64_t b = 0; b < blocks[i].header().data_bytes; b++) CHECK_EQ(blocks[i].data()[b], static_cast<char>(i));
  }
}

TEST(freed_memory_is_used_again_zeroed_and_under_a_new_generation) {
  ArenaSegment segment(8, 8192);
  Creator me(segment);
  std::set<uint64_t> offsets;
  for (uint32_t round = 1; round <= 1000; round++) {
    const Block block = me->Allocate(Bytes(500));
    CHECK(Valid(block));
    CHECK_EQ(block.generation(), round);
    offsets.insert(block.offset());
    for (int i = 0; i < 500; i++) CHECK_EQ(block.data()[i], 0);
    memset(block.data(), 'x', 500);
    me->Detach(block);
    CHECK_EQ(me->CountAlive(), 0);
  }
  CHECK_EQ(offsets.size(), 1);
}

TEST(an_object_lives_until_its_last_user_goes) {
  ArenaSegment segment;
  Creator me(segment);
  ArenaMember other(segment);
  other.Join();
  const Block block = me->Allocate(Bytes(64));
  const uint32_t generation = block.generation();
  memset(block.data(), 'k', 64);
  Block theirs, again;
  CHECK(other->Attach(block.offset(), generation, &theirs));
  me->Detach(block);
  CHECK_EQ(me->CountAlive(), 1);
  CHECK(me->Allocate(Bytes(64)).offset() != block.offset());
  CHECK_EQ(theirs.data()[63], 'k');
  CHECK(me->Attach(block.offset(), generation, &again));  // its creator may come back, too
  me->Detach(again);
  other->Detach(theirs);
  CHECK_EQ(me->Allocate(Bytes(64)).offset(), block.offset());
  CHECK(!other->Attach(block.offset(), generation, &theirs));
  CHECK(other->Attach(block.offset(), generation + 1, &theirs));
}

TEST(a_leaver_detaches_from_everything) {
  ArenaSegment segment;
  Creator me(segment);
  ArenaMember other(segment);
  other.Join();
  std::set<uint64_t> offsets;
  for (int i = 0; i < 10; i++) {
    const Block block = me->Allocate(Bytes(64));
    Block theirs;
    CHECK(other->Attach(block.offset(), block.generation(), &theirs));
    offsets.insert(block.offset());
    me->Detach(block);
  }
  CHECK_EQ(me->CountAlive(), 10);
  other.Leave();
  for (int i = 0; i < 10; i++) CHECK_EQ(offsets.count(me->Allocate(Bytes(64)).offset()), 1);
}

TEST(offsets_from_nowhere_are_refused_and_change_nothing) {
  ArenaSegment segment(8, 8192);
  Creator me(segment);
  ArenaMember other(segment);
  other.Join();
  std::set<uint64_t> real;
  for (int i = 0; i < 10; i++) {
    const Block block = me->Allocate(Bytes(100));
    memset(block.data(), 0xff, 100);
    real.insert(block.offset());
  }
  const std::string before(segment.body(), segment.body_bytes());
  Block out;
  for (uint64_t offset = 0; offset < segment.body_bytes() + 200; offset++) {
    if (real.count(offset) == 0) CHECK(!other->Attach(offset, 1, &out));
  }
  for (const uint64_t offset : {UINT64_MAX, UINT64_MAX - 63, uint64_t{1} << 40})
    CHECK(!other->Attach(offset & ~uint64_t{63}, 1, &out));
  for (const uint64_t offset : real) {
    CHECK(!other->Attach(offset, 0, &out));
    CHECK(!other->Attach(offset, 2, &out));
  }
  CHECK(std::string(segment.body(), segment.body_bytes()) == before);
}

TEST(damaged_blocks_poison_and_hang_nothing) {
  for (size_t byte = 0; byte < 64 + sizeof(BlockHeader) + 8; byte++) {
    for (int bit = 0; bit < 8; bit++) {
      ArenaSegment segment(8, 8192);
      Creator me(segment);
      ArenaMember other(segment);
      other.Join();
      const Block block = me->Allocate(Of(ObjectKind::kCondition));
      me->Allocate(Bytes(100));
      segment.body()[byte] = static_cast<char>(segment.body()[byte] ^ (1 << bit));
      Block out;
      other->CountAlive();
      if (other->Attach(block.offset(), 1, &out)) out.meta();
      other->Repair(me.self());
    }
  }
}

TEST(the_only_block_is_found_without_its_offset) {
  BlockRequest request = Bytes(10000, "meta");
  ArenaSegment segment(8, SingleBlockBody(Block::BytesFor(request, 8)));
  Creator me(segment);
  ArenaMember other(segment);
  other.Join();
  Block block;
  CHECK(!other->AttachFirst(&block));
  const Block made = me->Allocate(request);
  CHECK(Valid(made));
  CHECK(other->AttachFirst(&block));
  CHECK_EQ(block.offset(), made.offset());
  CHECK(block.meta() == "meta");
}

TEST(a_creator_killed_at_every_write_leaves_a_walkable_arena) {
  uint64_t points = 0;
  for (uint64_t k = 1;; k++) {
    ArenaSegment segment(8, 8192);
    ArenaMember me(segment);
    me.Join();
    const int end = Child([&] {
                      Creator creator(segment);
                      fault::Arm(k, false);
                      const Block first = creator->Allocate(Bytes(64));
                      const Block second = creator->Allocate(Of(ObjectKind::kLock));
                      creator->Detach(first);
                      creator->Detach(creator->Allocate(Bytes(64)));
                      creator->Detach(second);
                      fault::Arm(0, false);
                    }).Wait();
    me.ReapAll();
    CHECK_EQ(me.ReapAll(), 0);
    CHECK(me->CountAlive() <= 2);
    CHECK_EQ(segment.poisoned()->Load(std::memory_order_relaxed), 0);
    if (end == 0) break;
    CHECK_EQ(end, -SIGKILL);
    points++;
  }
  printf("%s: killed at %llu writes\n", check::current, static_cast<unsigned long long>(points));
  CHECK(points > 0);
}

TEST(an_attacher_killed_at_every_write_uses_nothing) {
  for (uint64_t k = 1;; k++) {
    ArenaSegment segment;
    Creator me(segment);
    const Block block = me->Allocate(Bytes(64));
    const int end = Child([&] {
                      ArenaMember member(segment);
                      member.Join();
                      Block mine;
                      fault::Arm(k, false);
                      CHECK(!member->Attach(block.offset(), 7, &mine));
                      CHECK(member->Attach(block.offset(), 1, &mine));
                      member->Detach(mine);
                      fault::Arm(0, false);
                    }).Wait();
    me.ReapAll();
    me->Detach(block);
    CHECK_EQ(me->CountAlive(), 0);
    if (end == 0) break;
    CHECK_EQ(end, -SIGKILL);
  }
}

}  // namespace
}  // namespace multiproc
