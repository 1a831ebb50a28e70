// A queue that can be waited for until all its jobs are done.
import { currentProcess, isMainProcess, JoinableQueue, Process, Value } from 'multiproc';

class ChildProcess extends Process {
  static {
    Process.register(import.meta, this);
  }
  inQueue: JoinableQueue<number | null>;
  n: Value<number>;

  constructor(inQueue: JoinableQueue<number | null>, n: Value<number>) {
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
        this.inQueue.taskDone();
        break;
      }
      console.log(`[${p.pid}] ${p.name} got a job ${job}`);
      await this.n.getLock().run(() => {
        this.n.value += job;
      });
      // Only now: whoever waits for the queue reads the sum.
      this.inQueue.taskDone();
    }
    console.log(`[${p.pid}] ${p.name} terminated`);
  }
}

if (isMainProcess) {
  const parent = currentProcess();
  console.log(`I'm main process -> [${parent.pid}] ${parent.name}`);

  const inQueue = new JoinableQueue<number | null>();
  const sharedN = new Value('i', 0);
  const processesN = 3;
  for (let s = 0; s < processesN; s += 1) new ChildProcess(inQueue, sharedN).start();

  for (let i = 0; i < 10; i += 1) await inQueue.put(i);
  for (let s = 0; s < processesN; s += 1) await inQueue.put(null);

  await inQueue.join();
  console.log(`Result: ${sharedN.value}`);

  console.log(`[${parent.pid}] ${parent.name} terminated`);
}
