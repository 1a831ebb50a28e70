// Lifeline: how a child learns of its parent's death, whatever the child is doing at that moment.
//
// Guarantee      A pipe that nobody writes into: its writing end is open in the parent only, and the kernel closes it
// when
//                the parent dies. No pid is looked at. One pipe serves all children.
// Blocking       ParentIsGone for at most the time given; the rest never.
// Process death  Guard ends the child within the time that a sweep takes, also when its event loop is busy.
#pragma once

#include <cstdint>
#include <functional>

namespace multiproc {

// The end to be given to children as kLifelineDescriptor, made at the first call; a negative errno when that failed.
int LifelineForChildren();

// For a child: takes the descriptors that its parent gave it. Called once, before programs are started.
void TakeLifeline();
bool ParentIsGone(int64_t nanos);
// Calls `gone`, in a thread of its own, when the parent has died. 0 or errno.
int WatchParent(std::function<void()> gone);
// Ends this process when its parent has died, after a sweep. 0 or errno.
int EndWithParent();

}  // namespace multiproc
