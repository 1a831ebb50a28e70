// One pipe for each process; the jobs go round.
import { type Connection, currentProcess, isMainProcess, Pipe, Process } from 'multiproc';

class ChildProcess extends Process {
  static {
    Process.register(import.meta, this);
  }
  childConn: Connection<number | null, number>;

  constructor(childConn: Connection<number | null, number>) {
    super();
    this.childConn = childConn;
  }

  square(n: number) {
    return n ** 2;
  }

  override async run() {
    const p = currentProcess();
    console.log(`New process -> [${p.pid}] ${p.name}`);
    while (true) {
      const job = await this.childConn.recv();
      if (job === null) {
        console.log(`[${p.pid}] ${p.name} got None`);
        break;
      }
      console.log(`[${p.pid}] ${p.name} got a job ${job}`);
      await this.childConn.send(this.square(job));
    }
    console.log(`[${p.pid}] ${p.name} terminated`);
  }
}

if (isMainProcess) {
  const parent = currentProcess();
  console.log(`I'm main process -> [${parent.pid}] ${parent.name}`);

  const connections: Connection<number, number | null>[] = [];
  const processesN = 3;
  for (let s = 0; s < processesN; s += 1) {
    const [parentConn, childConn] = Pipe<number, number | null>();
    new ChildProcess(childConn).start();
    connections.push(parentConn);
  }
  const connectionFor = (n: number) => connections[n % processesN] as Connection<number, number | null>;

  for (let n = 0; n < 10; n += 1) await connectionFor(n).send(n);
  for (let n = 0; n < 10; n += 1) console.log('Result:', await connectionFor(n).recv());
  for (let n = 0; n < processesN; n += 1) await connectionFor(n).send(null);

  console.log(`[${parent.pid}] ${parent.name} terminated`);
}
