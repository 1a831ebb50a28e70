// A process answers whoever connects and knows the key.
import { Client, currentProcess, isMainProcess, Listener, Pipe, Process, task } from 'multiproc';

const serve = task(import.meta, async function serve(parent) {
  const listener = await new Listener({ address: { host: '127.0.0.1', port: 0 } }).listening();
  await parent.send(listener.address);
  const client = await listener.accept();
  for await (const number of client) await client.send(number * number);
});

if (isMainProcess) {
  const [here, there] = Pipe();
  const server = new Process({ target: serve, args: [there] });
  server.start();
  // Children have the same key; on another machine it has to be given.
  const { authkey } = currentProcess();
  const connection = await Client(await here.recv(), { authkey, timeout: 10_000 });
  await connection.send(12);
  console.log(await connection.recv()); // 144
  connection.close();
  await server.join();
}
