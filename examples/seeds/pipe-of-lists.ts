// A list through a pipe.
import { type Connection, isMainProcess, Pipe, Process, task } from 'multiproc';

const f = task(import.meta, async function f(conn: Connection) {
  await conn.send([42, null, 'hello']);
  conn.close();
});

if (isMainProcess) {
  const [parentConn, childConn] = Pipe();
  const p = new Process({ target: f, args: [childConn] });
  p.start();
  console.log(await parentConn.recv());
  await p.join();
}
