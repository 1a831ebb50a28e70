// Ten processes count: without a lock counts get lost, with a lock none does, and `add` needs no lock.
import { isMainProcess, Lock, Process, task, Value } from 'multiproc';

const processFunction = task(
  import.meta,
  function processFunction(lock: Lock, m: Value<number>, n: Value<number>, o: Value<number>) {
    for (let i = 0; i < 100_000; i += 1) m.value += 1;
    lock.runSync(() => {
      for (let i = 0; i < 100_000; i += 1) n.value += 1;
    });
    for (let i = 0; i < 100_000; i += 1) o.add(1);
  },
);

if (isMainProcess) {
  // 创建一个锁对象
  const lock = new Lock();

  // 创建共享内存
  const m = new Value('i', 0, { lock: false });
  const n = new Value('i', 0);
  const o = new Value('i', 0);

  // 创建并启动多个进程
  const processes: Process[] = [];
  for (let i = 0; i < 10; i += 1) {
    const process = new Process({ target: processFunction, args: [lock, m, n, o] });
    process.start();
    processes.push(process);
  }

  // 等待所有进程完成
  for (const process of processes) await process.join();

  console.log(`Final m.value:${m.value} n.value:${n.value} o.value:${o.value}`);
}
