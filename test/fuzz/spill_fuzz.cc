// Spilled messages: their files are cut, exchanged, removed and invented, and the records that name them lie.
// scripts/fuzz.mjs gives this program a /dev/shm of its own.
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <memory>
#include <string>

#include "core/segment_name.h"
#include "core/spill.h"
#include "core/sweep.h"
#include "ring_place.h"
#include "shm_files.h"

namespace multiproc::fuzz {
namespace {

constexpr size_t kMostOperations = 40;
constexpr size_t kMostMessages = 8;
// Longer ones are read only to here: they are mostly holes.
constexpr uint64_t kMostRead = 1 << 20;

// What is nobody's of this library, whatever else happens.
constexpr char kStranger[] = "fuzz-stranger";

class World {
 public:
  World(const RingPlace& place, Input& in) : place_(place), segment_(*place.segment), in_(in) {
    Begin("format", {});
    place.Clear();
    member_ = std::make_unique<RingMember>(segment_);
    member_->Join();
    CHECK(Touch(kStranger));
  }
  ~World() {
    Begin("the end of the queue", {});
    member_.reset();
    RemoveAllSpills(uuid());
    Operation::Require(access(PathOf(kStranger).c_str(), F_OK) == 0, "what is a stranger's stays");
    unlink(PathOf(kStranger).c_str());
    // What cannot be unlinked is this program's own.
    for (const std::string& file : Files()) rmdir(PathOf(file).c_str());
    Operation::Require(Files().empty(), "all files of a queue go with it");
  }

  void Step() {
    const uint8_t what = in_.Byte();
    switch (what % 12) {
      case 0:
      case 1:
        return Put();
      case 2:
      case 3:
        return Get();
      case 4:
      case 5:
      case 6:
        return Damage();
      case 7:
        return Invent();
      case 8:
        return Collect();
      case 9:
        return Write();
      case 10:
        return Parse();
      default:
        for (const Lie& lie : LiesOf(in_, place_.regions)) lie.Tell();
        return;
    }
  }

 private:
  Ring& ring() { return member_->body; }
  uint64_t uuid() const { return segment_.uuid(); }
  void Begin(const char* name, std::vector<Lie> lies) const {
    Operation::Begin(name, 2000 * (segment_.shape.lines + segment_.shape.participants), std::move(lies));
  }
  static std::string PathOf(const std::string& file) { return "/dev/shm/" + file; }
  std::vector<std::string> Files() const {
    std::vector<std::string> files;
    ListShmFiles(SpillPrefix(uuid()), &files);
    std::sort(files.begin(), files.end());
    return files;
  }
  // False if the name is taken, by whatever it is.
  static bool Touch(const std::string& file) {
    return Descriptor(open(PathOf(file).c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600)).valid();
  }
  uint64_t KnownId() { return ids_.empty() ? in_.Odd() : ids_[in_.Byte() % ids_.size()]; }

  void Put() {
    if (ids_.size() >= kMostMessages) return;
    Claim claim;
    Begin("put", LiesOf(in_, place_.regions));
    if (ring().TryReserve(sizeof(SpillDescriptor), &claim) != kOk) return;
    ring().MarkSpilled();
    SpillWriter writer(uuid());
    const std::string head(in_.Byte(), 'h'), body(in_.Byte() % 2 == 0 ? 0 : 5000, 'b');
    const int error = writer.Write(head.data(), head.size(), body.data(), body.size());
    Operation::OneOf(error, {0, ENOSPC});
    if (error != 0) return;
    const SpillDescriptor descriptor = writer.descriptor();
    Operation::Require(descriptor.length == head.size() + body.size(), "the file is as long as the message");
    memcpy(claim.bytes, &descriptor, sizeof descriptor);
    writer.Keep();
    ids_.push_back(descriptor.id);
    ring().Commit(claim, sizeof descriptor, kSpilledFlag);
  }

  void Get() {
    Claim claim;
    Begin("get", LiesOf(in_, place_.regions));
    if (ring().TryClaim(UINT64_MAX, &claim) != kOk) return;
    SpillDescriptor descriptor;
    const bool spilled = DescriptorOf(claim, &descriptor);
    Operation::Require(spilled == ((claim.flags & kSpilledFlag) != 0 && claim.length == sizeof descriptor),
                       "a descriptor is as long as one");
    if (spilled) {
      Descriptor file;
      // Nothing lacks here: what cannot be opened is damaged.
      const int64_t error = Operation::OneOf(OpenSpill(uuid(), descriptor, &file), {0, ESTALE});
      Operation::Require(file.valid() == (error == 0), "there is a file if there is no error");
      if (error == 0) Read(file, descriptor);
    }
    if (in_.Byte() % 4 == 0) {
      ring().Requeue(claim.position);
      return;
    }
    ring().Release(claim);
    if (spilled) RemoveSpill(uuid(), descriptor.id);
  }

  // It may be cut between the look at its length and the reading.
  void Read(const Descriptor& file, const SpillDescriptor& descriptor) {
    struct stat st;
    CHECK_EQ(fstat(file.get(), &st), 0);
    Operation::Require(S_ISREG(st.st_mode), "it is a file");
    Operation::Require(static_cast<uint64_t>(st.st_size) == descriptor.length, "it has the length of the message");
    uint64_t free_bytes = 0, total = 0;
    ShmSpace(&free_bytes, &total);
    Operation::Require(total == 0 || descriptor.length <= total,
                       "nobody makes memory for what nobody can have written");
    const bool cut = in_.Byte() % 4 == 0;
    if (cut) CHECK_EQ(ftruncate(file.get(), st.st_size / 2), 0);
    const uint64_t bytes = std::min(descriptor.length, kMostRead);
    const auto memory = std::make_unique<char[]>(bytes);
    const int64_t error = Operation::OneOf(ReadFully(file.get(), memory.get(), bytes, 0), {0, EIO});
    if (descriptor.length <= kMostRead) Operation::Require(cut == (error == EIO), "it is read whole or not at all");
  }

  void Damage() {
    const std::string path = PathOf(SpillFile(uuid(), KnownId()));
    const std::string other = PathOf(SpillFile(uuid(), KnownId()));
    switch (in_.Byte() % 9) {
      case 0:
        unlink(path.c_str());
        return;
      case 1:
        // What is longer than a file can be goes instead.
        if (truncate(path.c_str(), static_cast<off_t>(in_.Odd())) != 0) unlink(path.c_str());
        return;
      case 2:
        rename(path.c_str(), other.c_str());
        return;
      case 3:
        if (unlink(path.c_str()) == 0) CHECK_EQ(symlink(PathOf(kStranger).c_str(), path.c_str()), 0);
        return;
      case 4:
        if (unlink(path.c_str()) == 0) CHECK_EQ(mkdir(path.c_str(), 0700), 0);
        return;
      case 5:
        if (unlink(path.c_str()) == 0) CHECK_EQ(mkfifo(path.c_str(), 0600), 0);
        return;
      case 6:
        if (unlink(path.c_str()) == 0) MakeSocket(path);
        return;
      case 7:
        if (unlink(path.c_str()) == 0) CHECK_EQ(link(PathOf(kStranger).c_str(), path.c_str()), 0);
        return;
      default:
        // Only root can; for others there is nothing to be given away.
        if (chown(path.c_str(), 1, static_cast<gid_t>(-1)) != 0) unlink(path.c_str());
    }
  }
  static void MakeSocket(const std::string& path) {
    const Descriptor fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    CHECK(path.size() < sizeof address.sun_path);
    memcpy(address.sun_path, path.data(), path.size());
    CHECK_EQ(bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  }

  // A file whose name is nearly that of a spilled message.
  void Invent() {
    std::string file = SpillFile(uuid(), in_.Odd());
    if (in_.Byte() % 2 == 0) file.resize(file.size() - in_.Byte() % 8);
    if (in_.Byte() % 4 == 0) file += static_cast<char>('!' + in_.Byte() % 14);  // not '/'
    Touch(file);
  }

  // A record that is claimed by the living keeps its file, and so does a producer that is busy.
  void Collect() {
    SpillWriter busy(uuid());
    CHECK_EQ(busy.Write("busy", 4, nullptr, 0), 0);
    Begin("collect", LiesOf(in_, place_.regions));
    CollectSpills(uuid(), ring());
    const std::string file = SpillFile(uuid(), busy.descriptor().id);
    Operation::Require(access(PathOf(file).c_str(), F_OK) == 0, "the file of a busy producer stays");
    Operation::Require(access(PathOf(kStranger).c_str(), F_OK) == 0, "what is a stranger's stays");
    if (getenv("MULTIPROC_FUZZ_ALONE") == nullptr) return;
    Begin("sweep", {});
    SweepOrphans();
  }

  // A record that says it is spilled, with any bytes.
  void Write() {
    Claim claim;
    const uint64_t length = in_.Byte() % 2 == 0 ? sizeof(SpillDescriptor) : in_.Below(100);
    Begin("write", {});
    if (ring().TryReserve(length, &claim) != kOk) return;
    const uint64_t id = KnownId();
    // Often as long as the file is: then nothing but what it is can tell.
    struct stat st;
    const bool fits = in_.Byte() % 2 == 0 && stat(PathOf(SpillFile(uuid(), id)).c_str(), &st) == 0;
    const SpillDescriptor descriptor = {id, fits ? static_cast<uint64_t>(st.st_size) : in_.Odd()};
    memcpy(claim.bytes, &descriptor, std::min<uint64_t>(length, sizeof descriptor));
    ring().Commit(claim, length, kSpilledFlag);
  }

  void Parse() {
    std::string name;
    for (int left = in_.Byte() % 64; left > 0; left--) name += static_cast<char>(in_.Byte());
    uint64_t uuid_out = 0, id_out = 0;
    if (!ParseSpillName(name, &uuid_out, &id_out)) return;
    Operation::Require(SpillFile(uuid_out, id_out).ends_with(name), "a name that is taken for a message's is one");
  }

  const RingPlace& place_;
  const RingSegment& segment_;
  Input& in_;
  std::unique_ptr<RingMember> member_;
  std::vector<uint64_t> ids_;
};

}  // namespace
}  // namespace multiproc::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  using namespace multiproc::fuzz;
  static const RingPlace places[] = {RingPlace({.lines = 64, .counted = true, .start = 640, .participants = 8})};
  return RunProgram<World>(bytes, size, places, kMostOperations);
}
