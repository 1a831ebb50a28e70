// Files of /dev/shm that are not what they should be: opened, joined, used and left as the binding does it, listed and
// swept. scripts/fuzz.mjs gives this program a /dev/shm of its own.
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <memory>

#include "core/lock.h"
#include "core/sweep.h"
#include "fuzz.h"
#include "named_segment.h"
#include "platform/file_lock.h"

namespace multiproc::fuzz {
namespace {

// A segment in good order, which its maker uses all the time, and what a file of it looks like.
struct Original {
  Original(const char* named, const SegmentParameters& parameters) : name(named), maker(Make(named, parameters)) {
    if (parameters.kind == SegmentKind::kQueue) {
      for (const uint64_t length : {0, 100, 64}) {
        Claim claim;
        CHECK_EQ(maker.ring().TryReserve(length, &claim), kOk);
        CHECK_EQ(maker.ring().Commit(claim, length, 0), kOk);
      }
    } else {
      maker.arena().BecomeCreator();
      for (const ObjectKind kind : {ObjectKind::kLock, ObjectKind::kBarrier, ObjectKind::kValue, ObjectKind::kEvent}) {
        BlockRequest request;
        request.kind = kind;
        request.parameter[0] = 2;
        request.data_bytes = kind == ObjectKind::kValue ? 100 : 0;
        request.meta = "{}";
        const Block block = maker.arena().Allocate(request);
        CHECK(block.offset() != 0);
        offsets.push_back(block.offset());
      }
    }
    Failure failure;
    CHECK(maker.segment->Publish(&failure));
    bytes.assign(base(), maker.segment->total_bytes());
  }

  char* base() const { return maker.segment->mapping()->base(); }
  uint64_t size() const { return bytes.size(); }

  const std::string name;
  Opened maker;
  std::vector<uint64_t> offsets;
  std::string bytes;
};

struct Field {
  uint64_t offset, bytes;
};
constexpr Field kFields[] = {
    {offsetof(SegmentHeader, magic), 8},        {offsetof(SegmentHeader, version), 4},
    {offsetof(SegmentHeader, byte_order), 4},   {offsetof(SegmentHeader, kind), 4},
    {offsetof(SegmentHeader, participants), 4}, {offsetof(SegmentHeader, total_bytes), 8},
    {offsetof(SegmentHeader, uuid), 8},         {offsetof(SegmentHeader, body_offset), 8},
    {offsetof(SegmentHeader, body_bytes), 8},   {offsetof(SegmentHeader, lines), 8},
    {offsetof(SegmentHeader, maxsize), 8},      {offsetof(SegmentHeader, counted), 4},
    {offsetof(SegmentHeader, meta_bytes), 4},   {offsetof(SegmentHeader, checksum), 4},
    {offsetof(SegmentHeader, poisoned), 4},
};

// As in docs/protocol.md.
uint32_t ChecksumOf(const char* header) {
  uint32_t hash = 2166136261u;
  for (size_t i = 0; i < offsetof(SegmentHeader, checksum); i++) {
    hash = (hash ^ static_cast<unsigned char>(header[i])) * 16777619u;
  }
  return hash;
}

// Lets sizes and offsets fit together, so that each of them has to be refused for itself.
void MakeSumsRight(char* base, uint64_t size) {
  SegmentHeader* const header = reinterpret_cast<SegmentHeader*>(base);
  header->total_bytes = size;
  header->body_bytes = size - header->body_offset;
}

// Changes up to seven fields or words, and makes the checksum right for most inputs.
void Damage(Input& in, char* base, uint64_t size) {
  for (int left = in.Byte() % 8; left > 0; left--) {
    const uint8_t where = in.Byte();
    if (where < 128) {
      const Field& field = kFields[where % (sizeof kFields / sizeof kFields[0])];
      const uint64_t value = in.Odd();
      memcpy(base + field.offset, &value, field.bytes);
    } else {
      const uint64_t offset = where < 192 ? in.Below(kHeaderBytes * 2) : in.Below(size);
      const uint64_t value = in.Odd();
      memcpy(base + offset, &value, std::min<uint64_t>(in.Byte() % 8 + 1, size - offset));
    }
  }
  const uint8_t rest = in.Byte();
  if (rest % 8 == 0) return;
  if (rest % 8 == 1) MakeSumsRight(base, size);
  const uint32_t checksum = ChecksumOf(base);
  memcpy(base + offsetof(SegmentHeader, checksum), &checksum, sizeof checksum);
}

bool Exists(const std::string& name) { return access(PathOf(name).c_str(), F_OK) == 0; }

// Why it was refused: always one of these.
std::string Documented(const Failure& failure) {
  const std::string code = failure.code;
  for (const char* each : {"CORRUPT_SEGMENT", "VERSION", "NOT_FOUND", "LIMIT", "NO_SPACE"}) {
    if (code == each) return code;
  }
  fprintf(stderr, "%s: %s\n", failure.code, failure.reason.c_str());
  Finding("a refusal that is not documented", "open");
}

void UseArena(Input& in, Opened& opened, const Original& original, const std::vector<Region>& regions) {
  for (int i = 0; i < 4; i++) {
    const bool odd = in.Byte() % 4 == 0 || original.offsets.empty();
    const uint64_t offset = odd ? in.Odd() : original.offsets[in.Byte() % original.offsets.size()];
    Block block;
    Operation::Begin("attach", 100'000, LiesOf(in, regions));
    const bool found = i == 0 ? opened.arena().AttachFirst(&block) : opened.arena().Attach(offset, 1, &block);
    if (!found) continue;
    const BlockFacts& facts = block.facts();
    const uint64_t body_bytes = opened.segment->parameters().body_bytes;
    const uint64_t begin = static_cast<uint64_t>(block.data() - opened.segment->body());
    Operation::Require(facts.data_bytes == 0 || begin <= body_bytes, "its memory begins in the body");
    Operation::Require(facts.data_bytes == 0 || facts.data_bytes <= body_bytes - begin, "its memory ends in the body");
    Operation::Require(block.meta().size() <= kMetaMax, "its text is not too long");
    if (block.kind() == ObjectKind::kLock) Lock(block).TryAcquire(false);
    opened.arena().Detach(block);
  }
  opened.arena().CountAlive();
}

void UseQueue(Input& in, Ring& ring, const std::vector<Region>& regions) {
  for (int i = 0; i < 4; i++) {
    Claim claim;
    Operation::Begin("queue", 10'000 * ring.lines(), LiesOf(in, regions));
    if (ring.TryReserve(in.Below(200), &claim) == kOk) ring.Commit(claim, claim.length, 0);
    if (ring.TryClaim(UINT64_MAX, &claim) == kOk) ring.Release(claim);
    Operation::Require(ring.Size() <= ring.lines(), "no more messages than lines");
    ring.Busy();
  }
}

// A file that somebody uses: it stays, whatever it holds.
void TryUsed(Input& in, const Original& original) {
  const uint64_t size = in.Byte() % 8 == 0 ? std::min<uint64_t>(in.Odd(), 1 << 22) : original.size();
  if (size != original.size()) CHECK_EQ(truncate(PathOf(original.name).c_str(), static_cast<off_t>(size)), 0);
  Operation::Begin("open", 1'000'000, {});
  Failure failure;
  Opened opened;
  opened.segment = Segment::Open(RunName(original.name), &failure);
  if (opened.segment == nullptr) {
    Operation::Require(Documented(failure) != "NOT_FOUND", "a file in use is there");
  } else {
    const Segment& segment = *opened.segment;
    const SegmentParameters& p = segment.parameters();
    Operation::Require(segment.total_bytes() == size, "it has the size that it says");
    Operation::Require(p.participants >= 1 && p.participants <= kMaxParticipants,
                       "as many participants as a lock's word can name");
    const char* const end = segment.mapping()->base() + size;
    Operation::Require(segment.body() + p.body_bytes == end, "its body is mapped");
    const uint64_t before = kHeaderBytes + p.participants * sizeof(RegistrySlot);
    Operation::Require(segment.body() >= segment.mapping()->base() + before, "its body begins behind its slots");
    const std::vector<Region> regions = {{segment.mapping()->base(), kHeaderBytes},
                                         {segment.mapping()->base() + kHeaderBytes, 1024},
                                         {segment.body(), std::min<uint64_t>(p.body_bytes, 4096)},
                                         {segment.body(), p.body_bytes}};
    opened.body = BodyOf(*opened.segment);
    Operation::Begin("join", 100'000'000, LiesOf(in, regions));
    if (opened.segment->Join(*opened.body, &failure)) {
      if (p.kind == SegmentKind::kQueue) {
        UseQueue(in, opened.ring(), regions);
      } else {
        UseArena(in, opened, original, regions);
      }
      Operation::Begin("leave", 100'000'000, LiesOf(in, regions));
      Operation::Require(!opened.Leave(), "its maker is left");
    } else {
      Operation::Require(Documented(failure) == "LIMIT", "all slots can look taken, and nothing else");
    }
  }
  Operation::Begin("list", UINT64_MAX / 8, {});
  if (getenv("MULTIPROC_FUZZ_ALONE") != nullptr) {
    bool listed = false;
    for (const SeenSegment& seen : ListSegments()) {
      listed |= seen.name == RunName(original.name) && seen.size == size && !seen.orphan;
    }
    Operation::Require(listed, "what is in use is listed, and no orphan");
    SweepOrphans();
  }
  RemoveIfOrphan(RunName(original.name));
  Operation::Require(Exists(original.name), "a file in use is not removed");
  if (size != original.size()) {
    CHECK_EQ(truncate(PathOf(original.name).c_str(), static_cast<off_t>(original.size())), 0);
  }
}

// A file that nobody uses is removed if it is recognisably ours, and left alone otherwise.
void TryOrphan(Input& in, const Original& original) {
  const std::string name = original.name + ".orphan";
  std::string bytes = original.bytes;
  Damage(in, bytes.data(), bytes.size());
  if (in.Byte() % 4 == 0) bytes.resize(in.Below(bytes.size()));
  const int fd = open(PathOf(name).c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  CHECK(fd >= 0);
  CHECK_EQ(WriteFully(fd, bytes.data(), bytes.size(), 0), 0);
  close(fd);
  uint64_t magic = 0;
  memcpy(&magic, bytes.data(), std::min<size_t>(bytes.size(), sizeof magic));
  Operation::Begin("open what nobody uses", UINT32_MAX, {});
  Failure failure;
  Operation::Require(Segment::Open(RunName(name), &failure) == nullptr, "what nobody uses is not opened");
  const bool removed = Documented(failure) == "NOT_FOUND";
  Operation::Require(removed != Exists(name), "it is removed if it was good, and else left alone");
  Operation::Require(!removed || magic == kMagic, "only what is ours is removed");
  Operation::Require(RemoveIfOrphan(RunName(name)) == (removed || magic == kMagic), "what is ours can be removed");
  Operation::Require(Exists(name) == (magic != kMagic), "what is not ours is left alone");
  unlink(PathOf(name).c_str());
}

const Original& OriginalFor(uint8_t which) {
  static const struct Originals {
    Originals() {
      SegmentParameters counted = QueueParameters();
      counted.counted = true;
      counted.body_bytes = RingPlaces::Of(counted.lines, true).total;
      SegmentParameters memory = ArenaParameters(1023);
      memory.kind = SegmentKind::kMemory;
      all.emplace_back(std::make_unique<Original>("arena", ArenaParameters()));
      all.emplace_back(std::make_unique<Original>("queue", counted));
      all.emplace_back(std::make_unique<Original>("memory", memory));
    }
    ~Originals() {
      for (const auto& each : all) {
        memcpy(each->base(), each->bytes.data(), each->size());
        each->maker.Leave();
      }
    }
    std::vector<std::unique_ptr<Original>> all;
  } originals;
  return *originals.all[which % originals.all.size()];
}

}  // namespace
}  // namespace multiproc::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  using namespace multiproc::fuzz;
  Operation::BeginInput();
  Input in(bytes, size);
  Operation::Begin("make", UINT64_MAX / 8, {});
  const Original& original = OriginalFor(in.Byte());
  memcpy(original.base(), original.bytes.data(), original.size());
  if (in.Byte() % 4 == 0) {
    TryOrphan(in, original);
  } else {
    Damage(in, original.base(), original.size());
    TryUsed(in, original);
  }
  return 0;
}
