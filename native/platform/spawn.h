// Spawn: starting a program as a child process, and what the kernel says of its end.
//
// Guarantee      The child has the descriptors it is given and none that the library has open; its signals are at their
//                defaults.
// Blocking       StartProgram until the program is being executed (vfork); AwaitEnd until the child has ended; the rest
// never. Process death  A child's status stays with the kernel until TakeEnd, so its pid cannot come to mean another
// process before.
#pragma once

#include <string>
#include <vector>

#include "platform/shm_file.h"

namespace multiproc {

// Stands for /dev/null in `standard`.
constexpr int kNullDevice = -1;

struct ProgramStart {
  std::string file;                      // a path; the search path is not looked at
  std::vector<std::string> arguments;    // the program's name first
  std::vector<std::string> environment;  // "NAME=value"
  int standard[3];                       // what becomes its standard input, output and error
  int lifeline;                          // what becomes kLifelineDescriptor
  int memory;                            // what becomes kMemoryDescriptor, or kNullDevice
};

// The further descriptors that a child gets.
constexpr int kLifelineDescriptor = 3;
constexpr int kMemoryDescriptor = 4;

// Exit code where nobody can know it any more.
constexpr int kUnknownEnd = 255;

// How a child ended.
struct ProgramEnd {
  int code;    // exit code, if signal is 0
  int signal;  // number of the signal that ended it, or 0
};

// 0 or errno.
int StartProgram(const ProgramStart& start, int* pid);
// Returns when the child has ended, and leaves its status where it is.
void AwaitEnd(int pid);
// True, and the child's status consumed, if it has ended.
bool TakeEnd(int pid, ProgramEnd* end);
// 0 or errno. REQUIRES: the status of the child has not been taken.
int SendSignal(int pid, int signal);

// A pipe whose ends no child inherits by itself. 0 or errno.
int MakePipe(Descriptor* reading, Descriptor* writing);
// An empty file without a name, of memory and outside of /dev/shm, that no child inherits by itself. 0 or errno.
int MakeMemoryFile(Descriptor* out);
// From now on nobody can change such a file.
void Seal(int fd);
// Has the last writing end been closed? Waits for it for at most `nanos`; negative: without end.
bool HasHungUp(int reading, int64_t nanos);
// Keeps the descriptor from programs that this process starts.
void KeepFromChildren(int fd);

}  // namespace multiproc
