// The library's ring between processes without Node, the limit of what its JavaScript side can reach: `mode=stream` or
// `mode=roundtrip`.
#include "core/ring.h"

#include <memory>
#include <string>

#include "core/blocking.h"
#include "core/segment.h"
#include "processes.h"

namespace {

using multiproc::Claim;
using multiproc::Failure;
using multiproc::Ring;
using multiproc::Segment;
using multiproc::SegmentKind;
using multiproc::SegmentParameters;
using multiproc::SpinBudget;
using multiproc::Status;
using multiproc::bench::Options;

[[noreturn]] void Stop(const char* what, const std::string& reason) {
  std::fprintf(stderr, "Cannot %s: %s\n", what, reason.c_str());
  std::exit(1);
}

// One process's access to a ring; every process opens the segment anew, as the library does.
class SharedRing {
 public:
  static SharedRing Create(const Options& options) {
    static int made = 0;
    SegmentParameters parameters;
    parameters.kind = SegmentKind::kQueue;
    parameters.lines = options.Number("capacity") / multiproc::kLineBytes;
    parameters.body_bytes = multiproc::RingPlaces::Of(parameters.lines, false).total;
    SharedRing shared("bench-ring-" + std::to_string(getpid()) + "-" + std::to_string(made++));
    Failure failure;
    shared.segment_ = Segment::Create(shared.name_, parameters, &failure);
    if (!shared.segment_) Stop("create segment", failure.reason);
    Ring::Format(shared.segment_->body(), parameters.lines, false, 0);
    shared.Attach();
    if (!shared.segment_->Publish(&failure)) Stop("publish segment", failure.reason);
    shared.owner_ = getpid();
    return shared;
  }

  void Join() {
    if (owner_ == getpid()) return;
    // The parent's access came over by fork and stays the parent's: its locks belong to descriptors that we share.
    segment_.release();
    ring_.release();
    Failure failure;
    segment_ = Segment::Open(name_, &failure);
    if (!segment_) Stop("open segment", failure.reason);
    Attach();
    owner_ = getpid();
  }

  void Leave() {
    segment_->Leave(*ring_);
    ring_.reset();
    segment_.reset();
  }

  void Put(const char* message, uint32_t length) {
    Claim claim;
    Wait(Ring::kSpace, [&] { return ring_->TryReserve(length, &claim); });
    std::memcpy(claim.bytes, message, length);
    if (ring_->Commit(claim, length, 0) != multiproc::kOk) Stop("commit", "the record is not ours");
  }

  uint32_t Get(char* into, uint32_t room) {
    Claim claim;
    Wait(Ring::kData, [&] { return ring_->TryClaim(room, &claim); });
    std::memcpy(into, claim.bytes, claim.length);
    const auto length = static_cast<uint32_t>(claim.length);
    ring_->Release(claim);
    return length;
  }

 private:
  explicit SharedRing(std::string name) : name_(std::move(name)) {}

  void Attach() {
    const SegmentParameters& parameters = segment_->parameters();
    ring_ = std::make_unique<Ring>(segment_->body(), &segment_->registry(), segment_->poisoned(), parameters.lines,
                                   parameters.maxsize, parameters.counted);
    Failure failure;
    if (!segment_->Join(*ring_, &failure)) Stop("join segment", failure.reason);
  }

  template <typename Attempt>
  void Wait(Ring::WaitQueueIndex which, Attempt attempt) {
    Status status;
    do {
      status = ring_->Block(which, spin_, INT64_MAX, attempt);
    } while (status == multiproc::kAgain);
    if (status != multiproc::kOk) Stop("use ring", "status " + std::to_string(status));
  }

  std::string name_;
  std::unique_ptr<Segment> segment_;
  std::unique_ptr<Ring> ring_;
  pid_t owner_ = 0;
  SpinBudget spin_{multiproc::UsableCpus() > 1};
};

}  // namespace

int main(int argc, char** argv) {
  const Options options(argc, argv);
  if (options.Is("mode", "roundtrip")) {
    multiproc::bench::RunRoundtrip<SharedRing>(options);
  } else {
    multiproc::bench::RunStream<SharedRing>(options);
  }
  return 0;
}
