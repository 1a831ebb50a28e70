// DetachedThread: a thread that nobody waits for.
#pragma once

#include <functional>

namespace multiproc {

// Runs `work` in a thread of its own that takes none of the process's signals. 0, or errno when there can be no more
// threads: nothing has happened then.
int StartDetachedThread(std::function<void()> work);

}  // namespace multiproc
