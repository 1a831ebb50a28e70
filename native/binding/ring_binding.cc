// Hot operations of queues, and the few cold ones that hand out memory.
#include <errno.h>
#include <string.h>

#include "binding/message_parts.h"
#include "core/spill.h"

namespace multiproc {
namespace {

enum GetMode { kCopy = 0, kTake = 1, kView = 2 };

template <size_t N>
struct Call : Arguments<N> {
  Call(napi_env env, napi_callback_info info)
      : Arguments<N>(env, info),
        object(this->environment().Find(this->Int(0), ObjectKind::kQueue, ObjectKind::kQueue)) {}

  napi_value Closed() const { return this->Return(kClosed); }
  Ring& ring() const { return *object->home->ring; }

  template <typename Attempt>
  Status Wait(size_t wait_argument, Ring::WaitQueueIndex queue, Attempt attempt) const {
    const Status status = attempt();
    if (status != kAgain) return status;
    // Read only now: each argument costs as much as the attempt.
    const int64_t wait = Arguments<N>::Wait(wait_argument);
    if (wait == 0) return status;
    const Status waited = ring().Block(queue, this->environment().spin(), wait, attempt);
    this->environment().ArmAgain(*object, queue);
    return waited;
  }

  double* out() const { return this->environment().out; }

  Object* object;
};

// Consumes everything that nobody will get any more: an immediate shutdown leaves no message, whoever put it when.
void DrainAll(Object& object) {
  std::vector<uint64_t> spilled;
  object.home->ring->Drain(&spilled);
  for (const uint64_t id : spilled) RemoveSpill(object.home->segment->uuid(), id);
}

// Commits, unless the queue was shut down immediately in the meantime and nobody else would drop the message.
Status CommitOrDrop(Object& object, const Claim& claim, uint64_t length, uint32_t flags) {
  object.last_position = claim.position;
  const Status status = object.home->ring->Commit(claim, length, flags);
  if (status != kOk || (object.home->ring->QueueFlags() & kQueueImmediate) == 0) return status;
  DrainAll(object);
  return kShutDown;
}

napi_value RingPut(napi_env env, napi_callback_info info) {
  const Call<5> call(env, info);
  if (call.object == nullptr) return call.Closed();
  const MessageParts parts(call, 1, 2);
  Claim claim;
  const Status status = call.Wait(4, Ring::kSpace, [&] { return call.ring().TryReserve(parts.bytes(), &claim); });
  if (status != kOk) return call.Return(status);
  if (parts.head_bytes > 0) memcpy(claim.bytes, parts.head, parts.head_bytes);
  if (parts.body_bytes > 0) memcpy(claim.bytes + parts.head_bytes, parts.body, parts.body_bytes);
  FAULT_POINT();
  return call.Return(
      CommitOrDrop(*call.object, claim, claim.length, static_cast<uint32_t>(call.Int(3)) & kHandlesFlag));
}

napi_value RingPutSpill(napi_env env, napi_callback_info info) {
  const Call<5> call(env, info);
  if (call.object == nullptr) return call.Closed();
  const MessageParts parts(call, 1, 2);
  // Room first: writing the file is the expensive part, and while we hold the record others step over it.
  Claim claim;
  Status status = call.Wait(4, Ring::kSpace, [&] { return call.ring().TryReserve(sizeof(SpillDescriptor), &claim); });
  if (status != kOk) return call.Return(status);
  call.ring().PassOn(Ring::kSpace);
  const uint64_t uuid = call.object->home->segment->uuid();
  call.ring().MarkSpilled();
  SpillWriter writer(uuid);
  // Asked first: to fill /dev/shm to the brim only to find that it is too small would take long and hurt others.
  uint64_t free_bytes = 0, total = 0;
  ShmSpace(&free_bytes, &total);
  const bool hopeless = total > 0 && parts.bytes() > free_bytes;
  int error = hopeless ? ENOSPC : writer.Write(parts.head, parts.head_bytes, parts.body, parts.body_bytes);
  if (error == ENOSPC) {
    // Files of messages whose consumers died before they could remove them are the first to go.
    call.object->home->ReapAll();
    CollectSpills(uuid, call.ring());
    writer.Discard();
    ShmSpace(&free_bytes, &total);
    if (total == 0 || parts.bytes() <= free_bytes) {
      error = writer.Write(parts.head, parts.head_bytes, parts.body, parts.body_bytes);
    }
  }
  if (error != 0) {
    call.ring().Abort(claim.position);
    call.out()[0] = error == ENOSPC ? static_cast<double>(parts.bytes()) : error;
    writer.Discard();
    ShmSpace(&free_bytes, &total);
    call.out()[1] = static_cast<double>(free_bytes);
    return call.Return(error == ENOSPC || error == ENOMEM ? kNoSpace : kSystem);
  }
  const SpillDescriptor descriptor = writer.descriptor();
  memcpy(claim.bytes, &descriptor, sizeof descriptor);
  FAULT_POINT();
  const uint32_t flags = kSpilledFlag | (static_cast<uint32_t>(call.Int(3)) & kHandlesFlag);
  // From here on the record names the file, and whoever drops the record removes it.
  writer.Keep();
  status = CommitOrDrop(*call.object, claim, sizeof descriptor, flags);
  if (status == kOk) {
    call.ring().registry().slot(call.ring().registry().self()).spills.Bump();
  }
  return call.Return(status);
}

// Length of a claimed message; for a spilled one, of its payload.
int64_t PayloadLength(const Claim& claim) {
  SpillDescriptor descriptor;
  if (!DescriptorOf(claim, &descriptor)) return static_cast<int64_t>(claim.length);
  return descriptor.length < (uint64_t{1} << 52) ? static_cast<int64_t>(descriptor.length) : 0;
}

napi_value RingGet(napi_env env, napi_callback_info info) {
  const Call<4> call(env, info);
  if (call.object == nullptr) return call.Closed();
  const int mode = call.Int(2);
  const uint64_t offset = static_cast<uint64_t>(call.Int(1));
  const uint64_t slab_bytes = call.environment().slab_bytes;
  const uint64_t room = mode == kView ? UINT64_MAX : offset < slab_bytes ? slab_bytes - offset : 0;
  Claim claim;
  const Status status = call.Wait(3, Ring::kData, [&] { return call.ring().TryClaim(room, &claim); });
  double* out = call.out();
  if (status != kOk) {
    if (status == kNoRoom) out[0] = static_cast<double>(claim.length);
    // Whoever shut the queue down immediately may have died before it had dropped everything.
    if (status == kShutDown && (call.ring().QueueFlags() & kQueueImmediate) != 0 && !call.ring().Empty())
      DrainAll(*call.object);
    return call.Return(status);
  }
  out[0] = claim.flags;
  out[1] = static_cast<double>(claim.position);
  if (mode == kView) {
    out[2] = static_cast<double>(claim.bytes - call.ring().data());
  } else if ((claim.flags & kSpilledFlag) == 0) {
    Ring::CopyOut(claim, call.environment().slab + offset);
  }
  if (mode == kCopy && claim.flags == 0) {
    call.ring().Release(claim);
    return call.Return(static_cast<int64_t>(claim.length));
  }
  if (mode != kCopy) out[3] = call.ring().CountAttempt(claim.position);
  // It may be long until we release: whoever else waits must not wait for that.
  call.ring().PassOn(Ring::kData);
  return call.Return(PayloadLength(claim));
}

// Memory of the runtime. nullptr with its own error pending if that is too much: by napi_create_arraybuffer, the
// process would end.
napi_value NewMemory(napi_env env, uint64_t bytes, void** data) {
  napi_value global, constructor, length, memory;
  if (napi_get_global(env, &global) != napi_ok ||
      napi_get_named_property(env, global, "ArrayBuffer", &constructor) != napi_ok ||
      napi_create_double(env, static_cast<double>(bytes), &length) != napi_ok ||
      napi_new_instance(env, constructor, 1, &length, &memory) != napi_ok ||
      napi_get_arraybuffer_info(env, memory, data, nullptr) != napi_ok) {
    return nullptr;
  }
  return memory;
}

napi_value RingOpenSpill(napi_env env, napi_callback_info info) {
  const Call<2> call(env, info);
  Claim claim;
  Failure failure;
  failure.code = "STATE";
  failure.reason = "it is not a claimed message of this queue";
  if (call.object != nullptr && call.ring().Find(call.Position(1), kReading, &claim) == kOk &&
      (claim.flags & kSpilledFlag) != 0) {
    SpillDescriptor descriptor;
    Descriptor file;
    int error =
        DescriptorOf(claim, &descriptor) ? OpenSpill(call.object->home->segment->uuid(), descriptor, &file) : ESTALE;
    if (error == 0) {
      void* bytes = nullptr;
      napi_value memory = NewMemory(env, descriptor.length, &bytes);
      if (memory == nullptr) return nullptr;
      error = ReadFully(file.get(), bytes, descriptor.length, 0);
      if (error == 0) return memory;
    }
    if (error == ESTALE || error == EIO) {
      Registry& registry = call.ring().registry();
      registry.slot(registry.self()).damaged.Bump();
      failure.code = "CORRUPT_SEGMENT";
      failure.reason = "the file of the message is gone or damaged";
    } else {
      failure.code = "SYSTEM";
      failure.reason = std::string("opening the file of the message failed: ") + strerror(error);
    }
    failure.error = error;
  }
  ThrowFailure(env, "receive a large message", failure);
  return nullptr;
}

napi_value ReleaseWith(napi_env env, napi_callback_info info, Status (Ring::*release)(uint64_t)) {
  const Call<2> call(env, info);
  if (call.object == nullptr) return call.Closed();
  Claim claim;
  const uint64_t position = call.Position(1);
  if (call.ring().Find(position, kReading, &claim) != kOk) return call.Return(kNotOwner);
  SpillDescriptor descriptor;
  const bool spilled = DescriptorOf(claim, &descriptor);
  const Status status = (call.ring().*release)(position);
  // Consumed first, removed second: a death in between leaves a file that nobody names, never a name without its file.
  if (status == kOk && spilled) RemoveSpill(call.object->home->segment->uuid(), descriptor.id);
  return call.Return(status);
}

napi_value RingRelease(napi_env env, napi_callback_info info) { return ReleaseWith(env, info, &Ring::Release); }

napi_value RingReleaseDone(napi_env env, napi_callback_info info) { return ReleaseWith(env, info, &Ring::ReleaseDone); }

napi_value RingRequeue(napi_env env, napi_callback_info info) {
  const Call<2> call(env, info);
  if (call.object == nullptr) return call.Closed();
  const Status status = call.ring().Requeue(call.Position(1));
  if (status == kOk && (call.ring().QueueFlags() & kQueueImmediate) != 0) DrainAll(*call.object);
  return call.Return(status);
}

napi_value RingReserve(napi_env env, napi_callback_info info) {
  const Call<3> call(env, info);
  if (call.object == nullptr) return call.Closed();
  Claim claim;
  const double length = call.Number(1);
  if (!(length >= 0 && length <= 0x1p40)) return call.Return(kTooLarge);
  const Status status =
      call.Wait(2, Ring::kSpace, [&] { return call.ring().TryReserve(static_cast<uint64_t>(length), &claim); });
  if (status != kOk) return call.Return(status);
  // It may be long until the commit.
  call.ring().PassOn(Ring::kSpace);
  call.out()[1] = static_cast<double>(claim.position);
  call.out()[2] = static_cast<double>(claim.bytes - call.ring().data());
  return call.Return(kOk);
}

napi_value RingCommit(napi_env env, napi_callback_info info) {
  const Call<4> call(env, info);
  if (call.object == nullptr) return call.Closed();
  const double length = call.Number(2);
  if (!(length >= 0 && length <= 0x1p40)) return call.Return(kTooLarge);
  Claim claim;
  if (call.ring().Find(call.Position(1), kWriting, &claim) != kOk) return call.Return(kNotOwner);
  const uint32_t flags = static_cast<uint32_t>(call.Int(3)) & kHandlesFlag;
  return call.Return(CommitOrDrop(*call.object, claim, static_cast<uint64_t>(length), flags));
}

napi_value RingAbort(napi_env env, napi_callback_info info) {
  const Call<2> call(env, info);
  if (call.object == nullptr) return call.Closed();
  return call.Return(call.ring().Abort(call.Position(1)));
}

napi_value RingBuffer(napi_env env, napi_callback_info info) {
  const Call<1> call(env, info);
  if (call.object == nullptr) return call.Closed();
  Membership& home = *call.object->home;
  napi_value view = nullptr;
  if (home.ring_buffer != nullptr && napi_get_reference_value(env, home.ring_buffer, &view) == napi_ok &&
      view != nullptr) {
    return view;
  }
  view = call.environment().MemoryView(home.segment->mapping(), home.ring->data(), 2 * home.ring->lines() * kLineBytes);
  if (view != nullptr) napi_create_reference(env, view, 1, &home.ring_buffer);
  return view;
}

napi_value RingSize(napi_env env, napi_callback_info info) {
  const Call<1> call(env, info);
  if (call.object == nullptr) return call.Closed();
  if (call.ring().poisoned()) return call.Return(kPoisoned);
  return call.Return(static_cast<int64_t>(call.ring().Size()));
}

napi_value RingEmpty(napi_env env, napi_callback_info info) {
  const Call<1> call(env, info);
  if (call.object == nullptr) return call.Closed();
  if (call.ring().poisoned()) return call.Return(kPoisoned);
  return call.Return(call.ring().Empty() ? 1 : 0);
}

napi_value RingFull(napi_env env, napi_callback_info info) {
  const Call<1> call(env, info);
  if (call.object == nullptr) return call.Closed();
  if (call.ring().poisoned()) return call.Return(kPoisoned);
  return call.Return(call.ring().Full() ? 1 : 0);
}

napi_value RingShutDown(napi_env env, napi_callback_info info) {
  const Call<2> call(env, info);
  if (call.object == nullptr) return call.Closed();
  const bool immediate = call.Int(1) != 0;
  call.ring().ShutDown(immediate);
  if (immediate) DrainAll(*call.object);
  return call.Return(kOk);
}

napi_value RingFlags(napi_env env, napi_callback_info info) {
  const Call<1> call(env, info);
  if (call.object == nullptr) return call.Closed();
  const uint32_t flags = call.ring().QueueFlags();
  return call.Return((flags & kQueueImmediate) != 0 ? 2 : (flags & kQueueShutDown) != 0 ? 1 : 0);
}

napi_value RingPoll(napi_env env, napi_callback_info info) {
  const Call<2> call(env, info);
  if (call.object == nullptr) return call.Closed();
  const Status status = call.Wait(1, Ring::kData, [&] { return call.ring().Poll(); });
  // Nothing was taken: a wake that came for the message is another's.
  call.ring().PassOn(Ring::kData);
  return call.Return(status);
}

Ring::End EndOf(int32_t number) { return number == 0 ? Ring::kReceiving : Ring::kSending; }

napi_value RingOpenEnd(napi_env env, napi_callback_info info) {
  const Call<3> call(env, info);
  if (call.object == nullptr) return call.Closed();
  call.ring().OpenEnd(EndOf(call.Int(1)), call.Int(2) != 0);
  return call.Return(kOk);
}

napi_value RingCloseEnd(napi_env env, napi_callback_info info) {
  const Call<2> call(env, info);
  if (call.object == nullptr) return call.Closed();
  call.ring().CloseEnd(EndOf(call.Int(1)));
  return call.Return(kOk);
}

napi_value RingHasEnd(napi_env env, napi_callback_info info) {
  const Call<3> call(env, info);
  if (call.object == nullptr) return call.Closed();
  const Ring::End end = EndOf(call.Int(1));
  const int32_t participant = call.Int(2);
  const bool used =
      participant < 0 ? call.ring().HasUsers(end) : call.ring().Uses(end, static_cast<uint32_t>(participant));
  return call.Return(used ? 1 : 0);
}

napi_value RingSelf(napi_env env, napi_callback_info info) {
  const Call<1> call(env, info);
  if (call.object == nullptr) return call.Closed();
  return call.Return(static_cast<int64_t>(call.ring().registry().self()));
}

napi_value RingCall(napi_env env, napi_callback_info info) {
  const Call<2> call(env, info);
  if (call.object == nullptr) return call.Closed();
  const int32_t participant = call.Int(1);
  if (participant < 0) {
    call.ring().registry().RingEverybody();
  } else {
    call.ring().Call(static_cast<uint32_t>(participant));
  }
  return call.Return(kOk);
}

napi_value RingTaskDone(napi_env env, napi_callback_info info) {
  const Call<1> call(env, info);
  if (call.object == nullptr) return call.Closed();
  return call.Return(call.ring().TaskDone());
}

napi_value RingUnfinished(napi_env env, napi_callback_info info) {
  const Call<1> call(env, info);
  if (call.object == nullptr) return call.Closed();
  return call.Return(static_cast<int64_t>(call.ring().Unfinished()));
}

napi_value RingJoin(napi_env env, napi_callback_info info) {
  const Call<2> call(env, info);
  if (call.object == nullptr) return call.Closed();
  return call.Return(call.Wait(1, Ring::kJoin, [&] {
    if (call.ring().poisoned()) return kPoisoned;
    if (call.ring().Unfinished() == 0) return kOk;
    // Whoever shut the queue down immediately may have died before it had drained it.
    if ((call.ring().QueueFlags() & kQueueImmediate) != 0 && !call.ring().Empty()) DrainAll(*call.object);
    return call.ring().Unfinished() == 0 ? kOk : kAgain;
  }));
}

napi_value RingConsumed(napi_env env, napi_callback_info info) {
  const Call<2> call(env, info);
  if (call.object == nullptr) return call.Closed();
  return call.Return(call.ring().Consumed(call.Position(1)) ? 1 : 0);
}

napi_value RingLastPosition(napi_env env, napi_callback_info info) {
  const Call<1> call(env, info);
  if (call.object == nullptr) return call.Closed();
  return call.Return(static_cast<int64_t>(call.object->last_position));
}

}  // namespace

void ExportRing(Environment& environment, napi_value exports) {
  Export(environment, exports, "ringPut", RingPut);
  Export(environment, exports, "ringPutSpill", RingPutSpill);
  Export(environment, exports, "ringGet", RingGet);
  Export(environment, exports, "ringOpenSpill", RingOpenSpill);
  Export(environment, exports, "ringRelease", RingRelease);
  Export(environment, exports, "ringReleaseDone", RingReleaseDone);
  Export(environment, exports, "ringRequeue", RingRequeue);
  Export(environment, exports, "ringReserve", RingReserve);
  Export(environment, exports, "ringCommit", RingCommit);
  Export(environment, exports, "ringAbort", RingAbort);
  Export(environment, exports, "ringBuffer", RingBuffer);
  Export(environment, exports, "ringSize", RingSize);
  Export(environment, exports, "ringEmpty", RingEmpty);
  Export(environment, exports, "ringFull", RingFull);
  Export(environment, exports, "ringShutDown", RingShutDown);
  Export(environment, exports, "ringState", RingFlags);
  Export(environment, exports, "ringPoll", RingPoll);
  Export(environment, exports, "ringOpenEnd", RingOpenEnd);
  Export(environment, exports, "ringCloseEnd", RingCloseEnd);
  Export(environment, exports, "ringHasEnd", RingHasEnd);
  Export(environment, exports, "ringSelf", RingSelf);
  Export(environment, exports, "ringCall", RingCall);
  Export(environment, exports, "ringTaskDone", RingTaskDone);
  Export(environment, exports, "ringUnfinished", RingUnfinished);
  Export(environment, exports, "ringJoin", RingJoin);
  Export(environment, exports, "ringConsumed", RingConsumed);
  Export(environment, exports, "ringLastPosition", RingLastPosition);
}

}  // namespace multiproc
