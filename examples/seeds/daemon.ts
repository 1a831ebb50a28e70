// A daemon ends with the main process.
import { setTimeout as sleep } from 'node:timers/promises';
import { currentProcess, isMainProcess, Process } from 'multiproc';

class ChildProcess extends Process {
  static {
    Process.register(import.meta, this);
  }

  override async run() {
    const p = currentProcess();
    console.log(`New process -> [${p.pid}] ${p.name}`);
    await sleep(10_000);
    console.log(`[${p.pid}] ${p.name} terminated`);
  }
}

if (isMainProcess) {
  const parent = currentProcess();
  console.log(`I'm main process -> [${parent.pid}] ${parent.name}`);

  const child = new ChildProcess({ daemon: true });
  child.start();

  await sleep(3000);

  console.log(`[${parent.pid}] ${parent.name} terminated`);
}
