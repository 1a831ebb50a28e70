// A pipe goes both ways, and keeps what is sent before there is a reader.
import { type Connection, currentProcess, isMainProcess, Pipe, Process } from 'multiproc';

class ChildProcess extends Process {
  static {
    Process.register(import.meta, this);
  }
  childConn: Connection<number, number>;

  constructor(childConn: Connection<number, number>) {
    super();
    this.childConn = childConn;
  }

  override async run() {
    const p = currentProcess();
    console.log(`New process -> [${p.pid}] ${p.name}`);
    const job = await this.childConn.recv();
    console.log(`[${p.pid}] ${p.name} got a job ${job}`);
    await this.childConn.send(job * 2);
    console.log(`[${p.pid}] ${p.name} terminated`);
  }
}

if (isMainProcess) {
  const parent = currentProcess();
  console.log(`I'm main process -> [${parent.pid}] ${parent.name}`);

  const [parentConn, childConn] = Pipe<number, number>();
  await parentConn.send(10);
  console.log('send 10 to pipe');

  const child = new ChildProcess(childConn);
  child.start();
  console.log('Result:', await parentConn.recv());

  console.log(`[${parent.pid}] ${parent.name} terminated`);
}
