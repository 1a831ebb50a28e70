// ThreadList: the threads of this process, as the kernel lists them.
#pragma once

#include <set>

namespace multiproc {

// Numbers of all threads that run from the call to the return, and maybe of others that began or ended meanwhile; false
// where /proc does not say. Lists again as long as threads end while it does.
bool ListThreads(std::set<int>* out);
// Is there a thread with this number? It may be another one than before.
bool HasThread(int number);

}  // namespace multiproc
