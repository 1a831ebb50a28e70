// Fields of a process say what it does.
import { setTimeout as sleep } from 'node:timers/promises';
import { currentProcess, isMainProcess, Process, type ProcessSettings } from 'multiproc';

interface Config {
  readonly sleep?: number;
}

class ChildProcess extends Process {
  static {
    Process.register(import.meta, this);
  }
  config: Config;

  constructor({ config = {}, ...settings }: ProcessSettings & { readonly config?: Config }) {
    super(settings);
    this.config = config;
  }

  override async run() {
    const p = currentProcess();
    console.log(`New process -> [${p.pid}] ${p.name}`);
    const seconds = this.config.sleep ?? 0;
    console.log(`[${p.pid}] ${p.name} will sleep for ${seconds.toFixed(6)} seconds`);
    await sleep(seconds * 1000);
    console.log(`[${p.pid}] ${p.name} terminated`);
  }
}

if (isMainProcess) {
  const parent = currentProcess();
  console.log(`I'm main process -> [${parent.pid}] ${parent.name}`);

  const processes: Process[] = [];
  for (let s = 0; s < 3; s += 1) {
    const child = new ChildProcess({ config: { sleep: s } });
    child.start();
    processes.push(child);
  }

  console.log(`[${parent.pid}] ${parent.name} terminated`);
}
