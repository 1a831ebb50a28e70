// ThreadList: the threads of this process, as the kernel lists them.
#pragma once

#include <set>

namespace multiproc {

// Numbers of all threads that run now; false where /proc does not say.
bool ListThreads(std::set<int>* out);
// Is there a thread with this number? It may be another one than before.
bool HasThread(int number);

}  // namespace multiproc
