/**
 * The kinds of objects that every manager keeps.
 */
import { argumentTypeError, NotFoundError } from '../errors.js';
import { ArrayObject } from './objects/array-object.js';
import { BarrierObject } from './objects/barrier-object.js';
import { ConditionObject } from './objects/condition-object.js';
import { DictObject } from './objects/dict-object.js';
import { EventObject } from './objects/event-object.js';
import { JoinableQueueObject } from './objects/joinable-queue-object.js';
import { ListObject } from './objects/list-object.js';
import { LockObject } from './objects/lock-object.js';
import { NamespaceObject } from './objects/namespace-object.js';
import { AsyncResultObject, PoolObject } from './objects/pool-object.js';
import { QueueObject } from './objects/queue-object.js';
import { SemaphoreObject } from './objects/semaphore-object.js';
import { entriesOf } from './proxies/dict-proxy.js';
import type { ServerObject } from './objects/server-object.js';
import { SetObject } from './objects/set-object.js';
import { ValueObject } from './objects/value-object.js';

/** One kind. */
export interface Kind {
  readonly exposed: ReadonlySet<string>;
  /** @param resolve the server's object behind a proxy. @throws what its class throws. */
  make(args: readonly unknown[], resolve: (proxy: unknown) => ServerObject | undefined): ServerObject;
}

interface ObjectClass {
  readonly exposed: readonly string[];
}

function kind({ exposed }: ObjectClass, make: Kind['make']): Kind {
  return { exposed: new Set(exposed), make };
}

function notMade(): never {
  throw new NotFoundError('Cannot make AsyncResult: it is what applyAsync() gives');
}

function lockBehind(object: ServerObject | undefined): LockObject {
  if (object === undefined) return new LockObject(true);
  if (object instanceof LockObject) return object;
  throw argumentTypeError('Cannot make Condition: its lock must be a Lock or RLock of the same manager');
}

/* oxlint-disable typescript/no-unsafe-argument, typescript/no-explicit-any -- what a proxy class sends is what the class of the object takes */
const kinds: Readonly<Record<string, Kind>> = {
  list: kind(ListObject, ([items]: any) => new ListObject(items)),
  dict: kind(DictObject, ([entries]: any) => new DictObject(entriesOf(entries ?? []))),
  set: kind(SetObject, ([items]: any) => new SetObject(items)),
  Namespace: kind(NamespaceObject, ([attributes]: any) => new NamespaceObject(entriesOf(attributes ?? []))),
  Queue: kind(QueueObject, ([maxsize]) => new QueueObject(maxsize)),
  JoinableQueue: kind(JoinableQueueObject, ([maxsize]) => new JoinableQueueObject(maxsize)),
  Lock: kind(LockObject, () => new LockObject(false)),
  RLock: kind(LockObject, () => new LockObject(true)),
  Semaphore: kind(SemaphoreObject, ([value]) => new SemaphoreObject(value, false)),
  BoundedSemaphore: kind(SemaphoreObject, ([value]) => new SemaphoreObject(value, true)),
  Condition: kind(ConditionObject, ([lock], resolve) => new ConditionObject(lockBehind(resolve(lock)))),
  Event: kind(EventObject, () => new EventObject()),
  Barrier: kind(BarrierObject, ([parties, timeout]: any) => new BarrierObject(parties, timeout)),
  Value: kind(ValueObject, ([type, value]) => new ValueObject(type, value)),
  Array: kind(ArrayObject, ([type, items]: any) => new ArrayObject(type, items)),
  Pool: kind(PoolObject, ([processes]: any) => new PoolObject(processes)),
  AsyncResult: kind(AsyncResultObject, notMade),
};
/* oxlint-enable typescript/no-unsafe-argument, typescript/no-explicit-any */

/** The kind of a name, if it is one of those that every manager keeps. */
export function builtInKind(name: string): Kind | undefined {
  return Object.hasOwn(kinds, name) ? kinds[name] : undefined;
}
