// Several processes at a time.
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

  const processes: Process[] = [];
  for (let i = 0; i < 3; i += 1) {
    const child = new ChildProcess();
    child.start();
    processes.push(child);
  }

  console.log(`[${parent.pid}] ${parent.name} terminated`);
}
