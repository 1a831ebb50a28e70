import { attach, Lock, Queue, Value } from 'multiproc';
import { fileURLToPath } from 'node:url';
import scenario from './scenario.cjs';

await scenario({ attach, Lock, Queue, Value }, fileURLToPath(import.meta.url));
