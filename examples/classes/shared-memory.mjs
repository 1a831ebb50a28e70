// A block of bytes under a name, filled by another process.
import { spawnSync } from 'node:child_process';
import { SharedMemory } from 'multiproc';

if (process.argv[2] === undefined) {
  const block = SharedMemory.create({ size: 16 });
  spawnSync(process.execPath, [import.meta.filename, block.name], { stdio: 'inherit' });
  console.log(block.buffer.toString('latin1', 0, 5)); // hello
} else {
  SharedMemory.open(process.argv[2]).buffer.write('hello', 'latin1');
}
