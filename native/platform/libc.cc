#include "platform/libc.h"

#include <features.h>
#ifdef __GLIBC__
#include <gnu/libc-version.h>
#endif

namespace multiproc {

std::string LibcVersion() {
#ifdef __GLIBC__
  return std::string("glibc ") + gnu_get_libc_version();
#else
  return "musl";
#endif
}

}  // namespace multiproc
