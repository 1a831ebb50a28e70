// Jobs go to several processes through one queue, each job to one of them.
import { currentProcess, isMainProcess, Process, Queue } from 'multiproc';

class ChildProcess extends Process {
  static {
    Process.register(import.meta, this);
  }
  queue: Queue<number | null>;

  constructor(queue: Queue<number | null>) {
    super();
    this.queue = queue;
  }

  override async run() {
    const p = currentProcess();
    console.log(`New process -> [${p.pid}] ${p.name}`);
    while (true) {
      const job = await this.queue.get();
      if (job === null) {
        console.log(`[${p.pid}] ${p.name} got None`);
        break;
      }
      console.log(`[${p.pid}] ${p.name} got a job ${job}`);
    }
    console.log(`[${p.pid}] ${p.name} terminated`);
  }
}

if (isMainProcess) {
  const parent = currentProcess();
  console.log(`I'm main process -> [${parent.pid}] ${parent.name}`);

  const queue = new Queue<number | null>();
  const processesN = 3;
  for (let s = 0; s < processesN; s += 1) new ChildProcess(queue).start();

  for (let n = 0; n < 10; n += 1) await queue.put(n);
  for (let s = 0; s < processesN; s += 1) await queue.put(null);

  console.log(`[${parent.pid}] ${parent.name} terminated`);
}
