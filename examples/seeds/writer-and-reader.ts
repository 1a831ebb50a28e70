// A process that reads for ever is terminated; the queue stays as it is.
import { setTimeout as sleep } from 'node:timers/promises';
import { isMainProcess, Process, Queue, task } from 'multiproc';

// 写数据进程
const processWrite = task(import.meta, async function processWrite(q: Queue<string>) {
  console.log(`写进程:${process.pid}`);
  for (const value of ['A', 'B', 'C']) {
    console.log(`queue队列写入数据:${value}...`);
    await q.put(value);
    await sleep(Math.random() * 1000);
  }
});

// 读数据进程
const processRead = task(import.meta, async function processRead(q: Queue<string>) {
  console.log(`读进程:${process.pid}`);
  while (true) {
    const value = await q.get();
    console.log(`从queue队列获取数据:${value}...`);
  }
});

async function processMain() {
  console.log(`当前进程(主进程)id:${process.pid}`);

  // 主进程创建Queue
  const q = new Queue<string>();

  const pW = new Process({ target: processWrite, args: [q] });
  const pR = new Process({ target: processRead, args: [q] });

  console.log('接下来子进程开始运行...');

  pW.start();
  pR.start();

  await pW.join();

  // 读进程while循环没有退出条件,这里强行终止读进程
  pR.terminate();
}

if (isMainProcess) {
  await processMain();
  console.log('主进程结束。');
}
