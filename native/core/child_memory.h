// ChildMemory: a file of memory that children find at their start as their descriptor kMemoryDescriptor.
//
// Guarantee      One for the whole process, whichever of its threads starts children. It has no name, and goes with
//                the last who has it. Sealed, it cannot be changed, by a program's stray write least of all.
// Blocking       Never.
// Process death  What is in the file says itself whether it is complete.
#pragma once

namespace multiproc {

// Decides, once in a process, what children are given: a new file (`own`), or the one that this process was given. The
// descriptor, for whoever is to fill it; -1 when that was decided before, or cannot be had.
int GiveMemoryToChildren(bool own);
// The file that GiveMemoryToChildren has made is complete, or will never be.
void SealMemory(int fd);
// The descriptor to be given to children, or kNullDevice.
int MemoryForChildren();

}  // namespace multiproc
