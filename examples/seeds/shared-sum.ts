// A sum in shared memory: what is read before the others are done is a part of it.
import { currentProcess, isMainProcess, Process, Queue, Value } from 'multiproc';

class ChildProcess extends Process {
  static {
    Process.register(import.meta, this);
  }
  inQueue: Queue<number | null>;
  n: Value<number>;

  constructor(inQueue: Queue<number | null>, n: Value<number>) {
    super();
    this.inQueue = inQueue;
    this.n = n;
  }

  override async run() {
    const p = currentProcess();
    console.log(`New process -> [${p.pid}] ${p.name}`);
    while (true) {
      const job = await this.inQueue.get();
      if (job === null) {
        console.log(`[${p.pid}] ${p.name} got None`);
        break;
      }
      console.log(`[${p.pid}] ${p.name} got a job ${job}`);
      await this.n.getLock().run(() => {
        this.n.value += job;
      });
    }
    console.log(`[${p.pid}] ${p.name} terminated`);
  }
}

if (isMainProcess) {
  const parent = currentProcess();
  console.log(`I'm main process -> [${parent.pid}] ${parent.name}`);

  const inQueue = new Queue<number | null>();
  const sharedN = new Value('i', 0);
  const processes: Process[] = [];
  const processesN = 3;
  for (let s = 0; s < processesN; s += 1) {
    const child = new ChildProcess(inQueue, sharedN);
    child.start();
    processes.push(child);
  }

  for (let i = 0; i < 10; i += 1) await inQueue.put(i);
  for (let s = 0; s < processesN; s += 1) await inQueue.put(null);

  console.log(`Result before they are done: ${sharedN.value}`);
  for (const p of processes) await p.join();
  console.log(`Result: ${sharedN.value}`);

  console.log(`[${parent.pid}] ${parent.name} terminated`);
}
