// A pool runs three of five tasks at a time.
import { setTimeout as sleep } from 'node:timers/promises';
import { isMainProcess, Pool, task } from 'multiproc';

// 子进程要执行的代码
const runProc = task(import.meta, async function runProc(name: string) {
  console.log(`${name}子进程${process.pid}正在运行...`);
  const start = performance.now();
  await sleep(Math.random() * 3000);
  console.log(`${name}子进程运行${((performance.now() - start) / 1000).toFixed(2)}秒...`);
});

async function processMain() {
  console.log(`当前进程(主进程)id:${process.pid}`);

  // 创建进程池,我们限制最高可执行3个并发进程
  const po = new Pool(3);
  for (const name of ['p1', 'p2', 'p3', 'p4', 'p5']) {
    // 传入执行的任务函数和对应的参数元祖,开始并发执行
    po.applyAsync(runProc, [name]);
  }
  po.close();

  // 等待所有子进程执行完毕,必须放在close后面
  await po.join();

  console.log('所有子进程结束啦...');
}

if (isMainProcess) await processMain();
