// SegmentName: the names of segments and the files that carry them.
//
//   file of a segment            multiproc.<euid>.<name>          name given by the user: [A-Za-z0-9._-]{1,200}
//   file of an anonymous one     multiproc.<euid>.~<16 hex>
//   file of a spilled message    multiproc.<euid>.~<uuid of the queue, 16 hex>.<id, 16 hex>
//
//   keeper of an unlinked queue  multiproc.<euid>.!<uuid, 16 hex>     leads nobody in; tells the sweep that the queue
//   lives
//
// The tilde keeps what we invent apart from what users choose.
#pragma once

#include <cstdint>
#include <string>

namespace multiproc {

// May a user choose this name?
bool IsUserName(const std::string& name);
// May this be the name of a segment, chosen or invented?
bool IsSegmentName(const std::string& name);
std::string RandomSegmentName();
// "multiproc.<euid>."
std::string FilePrefix();
std::string FileOf(const std::string& segment);
// The keeper's bare name; see Segment::Unlink.
std::string KeeperName(uint64_t queue_uuid);
bool IsKeeperName(const std::string& name);
std::string SpillFile(uint64_t queue_uuid, uint64_t id);
// The prefix that all spill files of a queue share.
std::string SpillPrefix(uint64_t queue_uuid);
// Takes a bare name (file name without the prefix) apart if it is a spill file's.
bool ParseSpillName(const std::string& name, uint64_t* queue_uuid, uint64_t* id);

}  // namespace multiproc
