#include "binding/environment.h"

#include <stdlib.h>

#include <algorithm>
#include <mutex>
#include <set>

#include "core/segment_name.h"
#include "core/spill.h"
#include "core/system_info.h"

namespace multiproc {
namespace {

// Bodies of the arenas of one environment: the first with its header and registry fits 64 KiB, later ones grow.
constexpr uint64_t kFirstArenaBody = 28 * 1024;
constexpr uint64_t kMostArenaBody = 4 * 1024 * 1024;

// The environments of this process, for its exit.
struct Living {
  std::mutex mutex;
  std::set<Environment*> environments;
};

Living& AllLiving() {
  // Never destroyed: exit handlers use it, and their order among destructors is nobody's to know.
  static Living* const living = [] {
    atexit([] {
      const std::lock_guard<std::mutex> guard(AllLiving().mutex);
      for (Environment* environment : AllLiving().environments) {
        environment->StopWaiting();
        environment->Shutdown();
      }
    });
    return new Living;
  }();
  return *living;
}

}  // namespace

Membership::Membership(std::unique_ptr<Segment> opened) : segment(std::move(opened)) {
  const SegmentParameters& p = segment->parameters();
  if (p.kind == SegmentKind::kQueue) {
    ring = std::make_unique<Ring>(segment->body(), &segment->registry(), segment->poisoned(), p.lines, p.maxsize,
                                  p.counted);
  } else {
    arena = std::make_unique<Arena>(segment->body(), p.body_bytes, segment->uuid(), &segment->registry(),
                                    segment->poisoned());
  }
}

bool Membership::Leave() {
  const bool spilled = ring != nullptr && ring->HasSpilled();
  const bool alone = segment->Leave(repairer());
  if (alone && spilled) RemoveAllSpills(segment->uuid());
  return alone;
}

bool Membership::Reap(uint32_t participant) {
  if (!registry().Reap(participant, repairer())) return false;
  if (ring != nullptr && ring->HasSpilled()) CollectSpills(segment->uuid(), *ring);
  return true;
}

uint32_t Membership::ReapAll() {
  uint32_t dead = 0;
  for (uint32_t i = 0; i < registry().count(); i++) dead += Reap(i) ? 1 : 0;
  return dead;
}

Environment::Environment(napi_env env)
    : env_(env), spin_(UsableProcessors() > 1), waiters_([this](bool slice) { Notify(slice); }) {
  const std::lock_guard<std::mutex> guard(AllLiving().mutex);
  AllLiving().environments.insert(this);
}

Environment::~Environment() {
  {
    const std::lock_guard<std::mutex> guard(AllLiving().mutex);
    AllLiving().environments.erase(this);
  }
  StopWaiting();
  Shutdown();
}

// ---- memberships ---------------------------------------------------------------------------------------------------

std::unique_ptr<Membership> Environment::CreateSegment(const std::string& name, const SegmentParameters& parameters,
                                                       Failure* failure) {
  std::unique_ptr<Segment> segment = Segment::Create(name, parameters, failure);
  if (segment == nullptr) return nullptr;
  if (parameters.kind == SegmentKind::kQueue) {
    Ring::Format(segment->body(), parameters.lines, parameters.counted);
  } else {
    Arena::Format(segment->body());
  }
  auto home = std::make_unique<Membership>(std::move(segment));
  if (!home->segment->Join(home->repairer(), failure)) return nullptr;
  if (home->arena != nullptr) home->arena->BecomeCreator();
  return home;
}

Membership* Environment::Adopt(std::unique_ptr<Membership> home, Failure* failure) {
  if (!home->segment->Publish(failure)) {
    home->segment->Leave(home->repairer());
    return nullptr;
  }
  Membership* result = home.get();
  memberships_[home->segment->uuid()] = std::move(home);
  return result;
}

Membership* Environment::OpenSegment(const std::string& name, uint64_t uuid, Failure* failure) {
  if (uuid != 0) {
    // By identity: works also when the name was unlinked while we have the segment.
    const auto found = memberships_.find(uuid);
    if (found != memberships_.end()) return found->second.get();
  } else {
    for (auto& [key, home] : memberships_) {
      if (home->segment->name() == name && home->segment->NamesUs()) return home.get();
    }
  }
  std::unique_ptr<Segment> segment = Segment::Open(name, failure);
  if (segment == nullptr) return nullptr;
  if (uuid != 0 && segment->uuid() != uuid) {
    failure->code = "NOT_FOUND";
    failure->reason = "the object is gone, its name is in other use";
    return nullptr;
  }
  const auto twin = memberships_.find(segment->uuid());
  if (twin != memberships_.end()) {
    // A second name of a segment that is open here, or a copy of its file, which nobody can tell from it.
    if (twin->second->segment->IsSameFile(*segment)) return twin->second.get();
    failure->code = "CORRUPT_SEGMENT";
    failure->reason = "it is a copy of another segment";
    return nullptr;
  }
  auto home = std::make_unique<Membership>(std::move(segment));
  if (!home->segment->Join(home->repairer(), failure)) return nullptr;
  Membership* result = home.get();
  memberships_[result->segment->uuid()] = std::move(home);
  return result;
}

void Environment::LeaveIfUnused(Membership* home) {
  if (home->objects > 0) return;
  if (home->own_arena) {
    // One stays for the next object, so that making and closing one again and again makes no segments.
    const auto is_spare = [&](const Membership* arena) { return arena != home && arena->objects == 0; };
    if (std::none_of(own_arenas_.begin(), own_arenas_.end(), is_spare)) return;
    own_arenas_.erase(std::find(own_arenas_.begin(), own_arenas_.end(), home));
  }
  if (home->parked > 0) waiters_.Unwatch(&home->registry().slot(home->registry().self()).doorbell);
  for (napi_ref ref : {home->ring_buffer, home->words}) {
    if (ref != nullptr) napi_delete_reference(env_, ref);
  }
  const uint64_t uuid = home->segment->uuid();
  const std::shared_ptr<Mapping> mapping = home->segment->mapping();
  const bool ring = home->ring != nullptr;
  const bool alone = home->Leave();
  memberships_.erase(uuid);
  // Views of closed objects keep the range mapped until they are collected, which may be never. Nobody else can see the
  // memory any more, so at least its pages go back to /dev/shm. Views of a queue's ring are only ours.
  if (!alone || mapping.use_count() == 1) return;
  if (ring) {
    mapping->Discard();
  } else {
    mapping->Detach();
  }
}

Membership* Environment::OwnArena(uint64_t block_bytes, Failure* failure) {
  uint64_t body = kFirstArenaBody;
  for (size_t i = 0; i < own_arenas_.size(); i++) body = std::min(body * 4, kMostArenaBody);
  SegmentParameters parameters;
  parameters.kind = SegmentKind::kArena;
  parameters.body_bytes = RoundUp(std::max(body, SingleBlockBody(block_bytes)), 4096);
  std::unique_ptr<Membership> made = CreateSegment(RandomSegmentName(), parameters, failure);
  Membership* home = made == nullptr ? nullptr : Adopt(std::move(made), failure);
  if (home == nullptr) return nullptr;
  home->own_arena = true;
  own_arenas_.push_back(home);
  return home;
}

void Environment::StopWaiting() { waiters_.Stop(); }

void Environment::Shutdown() {
  shut_down_ = true;
  objects_.clear();
  unused_refs_.clear();
  refs_.clear();
  own_arenas_.clear();
  for (auto& [uuid, home] : memberships_) home->Leave();
  memberships_.clear();
}

}  // namespace multiproc
