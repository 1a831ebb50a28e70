// Bytes without a copy: written where they are read.
import { Queue } from 'multiproc';

const frames = new Queue({ codec: 'raw', capacity: 1024 * 1024 });
const slot = await frames.reserve(100_000);
slot.bytes.fill(7);
slot.commit();

const frame = await frames.receive();
console.log(frame.bytes.length, frame.bytes[99_999]); // 100000 7
frame.release();
