// A process looks at a web page again and again, in the background.
//
// The page is its argument; without one, a server of this program's own.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { currentProcess, isMainProcess, Process } from 'multiproc';

class ChildProcess extends Process {
  static {
    Process.register(import.meta, this);
  }
  url: string;

  constructor(url: string) {
    super();
    this.url = url;
  }

  override async run() {
    const p = currentProcess();
    console.log(`New process -> [${p.pid}] ${p.name}`);
    for (let i = 0; i < 5; i += 1) {
      const response = await fetch(this.url);
      console.log(`${new URL(this.url).hostname} [${response.status}]`);
      await response.arrayBuffer();
      await sleep(3000);
    }
    console.log(`[${p.pid}] ${p.name} terminated`);
  }
}

function serve(): Promise<Server> {
  const server = createServer((_request, response) => response.end('Hello'));
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      resolve(server);
    });
  });
}

if (isMainProcess) {
  const server = await serve();
  const url = process.argv[2] ?? `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const parent = currentProcess();
  console.log(`I'm main process -> [${parent.pid}] ${parent.name}`);

  const child = new ChildProcess(url);
  child.start();

  for (let i = 0; i < 5; i += 1) {
    console.log("I'm main process, doing a job now");
    await sleep(2000);
  }

  console.log(`[${parent.pid}] ${parent.name} terminated`);
  // The main process goes on as long as its child does, and then it needs no server any more.
  void child.sentinel.then(() => server.close());
}
