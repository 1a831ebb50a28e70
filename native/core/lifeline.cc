#include "core/lifeline.h"

#include <unistd.h>

#include "core/sweep.h"
#include "platform/detached_thread.h"
#include "platform/spawn.h"

namespace multiproc {
namespace {

struct ParentsPipe {
  Descriptor reading, writing;
  int error;

  ParentsPipe() : error(MakePipe(&reading, &writing)) {}
};

}  // namespace

int LifelineForChildren() {
  static const ParentsPipe pipe;
  return pipe.error != 0 ? -pipe.error : pipe.reading.get();
}

void TakeLifeline() {
  KeepFromChildren(kLifelineDescriptor);
  KeepFromChildren(kMemoryDescriptor);
}

bool ParentIsGone(int64_t nanos) { return HasHungUp(kLifelineDescriptor, nanos); }

int WatchParent(std::function<void()> gone) {
  return StartDetachedThread([gone = std::move(gone)] {
    while (!HasHungUp(kLifelineDescriptor, -1)) {
    }
    gone();
  });
}

int EndWithParent() {
  return WatchParent([] {
    SweepOrphans();
    // Not exit(): JavaScript is in the middle of something in another thread.
    _exit(1);
  });
}

}  // namespace multiproc
