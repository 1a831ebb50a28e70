// Jobs go out through one queue, results come back through another one.
import { currentProcess, isMainProcess, Process, Queue } from 'multiproc';

class ChildProcess extends Process {
  static {
    Process.register(import.meta, this);
  }
  inQueue: Queue<number | null>;
  outQueue: Queue<number>;

  constructor(inQueue: Queue<number | null>, outQueue: Queue<number>) {
    super();
    this.inQueue = inQueue;
    this.outQueue = outQueue;
  }

  square(n: number) {
    return n ** 2;
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
      await this.outQueue.put(this.square(job));
    }
    console.log(`[${p.pid}] ${p.name} terminated`);
  }
}

if (isMainProcess) {
  const parent = currentProcess();
  console.log(`I'm main process -> [${parent.pid}] ${parent.name}`);

  const inQueue = new Queue<number | null>();
  const outQueue = new Queue<number>();
  const processesN = 3;
  for (let s = 0; s < processesN; s += 1) new ChildProcess(inQueue, outQueue).start();

  for (let n = 0; n < 10; n += 1) await inQueue.put(n);
  for (let s = 0; s < processesN; s += 1) await inQueue.put(null);

  for (let n = 0; n < 10; n += 1) console.log(`Result: ${await outQueue.get()}`);

  console.log(`[${parent.pid}] ${parent.name} terminated`);
}
