// Libc: which C library this was built for, for people to read.
#pragma once

#include <string>

namespace multiproc {

std::string LibcVersion();

}  // namespace multiproc
