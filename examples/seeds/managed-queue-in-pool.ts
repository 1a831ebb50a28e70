// A manager's queue as an argument of a pool's tasks; the pool was there before the manager.
import { setTimeout as sleep } from 'node:timers/promises';
import { isMainProcess, Manager, type ManagedQueue, Pool, task } from 'multiproc';

// 写数据进程
const processWrite = task(import.meta, async function processWrite(q: ManagedQueue<string>) {
  console.log(`写进程:${process.pid}`);
  for (const value of ['A', 'B', 'C']) {
    console.log(`queue队列写入数据:${value}...`);
    await q.put(value);
    await sleep(Math.random() * 1000);
  }
});

// 读数据进程
const processRead = task(import.meta, async function processRead(q: ManagedQueue<string>) {
  console.log(`读进程:${process.pid}`);
  while (!(await q.empty())) {
    const value = await q.get();
    console.log(`从queue队列获取数据:${value}...`);
  }
});

async function processMain() {
  console.log(`当前进程(主进程)id:${process.pid}`);
  const po = new Pool(2);

  await using manager = await Manager();
  const q = await manager.Queue<string>();

  // 阻塞主进程,相当于顺序执行,写进程完全执行完返回之后,再开始读进程
  await po.apply(processWrite, [q]);
  await po.apply(processRead, [q]);

  po.close();
  await po.join();
}

if (isMainProcess) {
  await processMain();
  console.log('主进程结束。');
}
