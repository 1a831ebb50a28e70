// A namespace in a manager that nobody shuts down: it ends with the program.
import { isMainProcess, Manager, type ManagedNamespace, Process, task } from 'multiproc';

interface Attributes {
  x: number;
  y: number;
}

const mngNaSp = task(import.meta, async function mngNaSp(usingNs: ManagedNamespace<Attributes>) {
  await usingNs.set('x', (await usingNs.get('x')) + 5);
  await usingNs.set('y', (await usingNs.get('y')) * 10);
});

if (isMainProcess) {
  const manager = await Manager();
  const usingNs = await manager.Namespace<Attributes>();
  await usingNs.set('x', 1);
  await usingNs.set('y', 1);

  console.log('before', String(usingNs));
  const p = new Process({ target: mngNaSp, args: [usingNs] });
  p.start();
  await p.join();
  console.log('after', String(usingNs));
}
