// The robust-mutex ring between processes without Node: `mode=stream` or `mode=roundtrip`.
#include "mutex_ring.h"
#include "processes.h"

namespace {

using multiproc::bench::MutexRing;
using multiproc::bench::Options;

class SharedMutexRing {
 public:
  static SharedMutexRing Create(const Options& options) {
    const uint64_t capacity = options.Number("capacity");
    return SharedMutexRing(MutexRing::Create(multiproc::bench::ShareMemory(MutexRing::BytesFor(capacity)), capacity));
  }
  void Join() {}
  void Leave() {}
  void Put(const char* message, uint32_t length) {
    if (!ring_->Put(message, length, INT64_MAX)) std::exit(1);
  }
  uint32_t Get(char* into, uint32_t room) {
    const int64_t length = ring_->Get(into, room, INT64_MAX);
    if (length < 0) std::exit(1);
    return static_cast<uint32_t>(length);
  }

 private:
  explicit SharedMutexRing(MutexRing* ring) : ring_(ring) {}
  MutexRing* ring_;
};

}  // namespace

int main(int argc, char** argv) {
  const Options options(argc, argv);
  if (options.Is("mode", "roundtrip")) {
    multiproc::bench::RunRoundtrip<SharedMutexRing>(options);
  } else {
    multiproc::bench::RunStream<SharedMutexRing>(options);
  }
  return 0;
}
