// @ts-check
// Opens what it is given, makes objects of its own, says so and keeps them all until it is ended.
import { parentPort, workerData } from 'node:worker_threads';
import { attach, Event, Queue, SharedMemory } from 'multiproc';

/** @type {string[]} */
const handles = parentPort === null ? process.argv.slice(2) : workerData;
const [queue, lock] = /** @type {[Queue<unknown>, import('multiproc').Lock]} */ (handles.map((each) => attach(each)));
const own = [queue, lock, new Event(), new Queue(), new SharedMemory({ size: 5000 })];
lock.acquireSync();
// Parked, so that the waiter thread of this environment runs too.
const waiting = queue.get();
if (parentPort === null) process.send?.(own.length);
else parentPort.postMessage(own.length);
await waiting;
