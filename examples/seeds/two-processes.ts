// Two processes, of which one is waited for.
import { isMainProcess, Process, task } from 'multiproc';

// 子进程要执行的代码
const runProc = task(import.meta, function runProc(name: string) {
  console.log(`${name}子进程${process.pid}正在运行...`);
});

async function processMain() {
  console.log(`当前进程(主进程)id:${process.pid}`);

  // 创建子进程,传入执行的任务函数和对应的参数元祖
  const p1 = new Process({ target: runProc, args: ['p1'] });
  const p2 = new Process({ target: runProc, args: ['p2'] });

  console.log('接下来子进程开始运行...');

  // 启动进程
  p1.start();
  p2.start();

  // 告诉主进程:等我这个子进程运行结束你再往下继续执行
  await p1.join();

  console.log(`p1的进程退出代码:${p1.exitCode}`);
  console.log(`p2的进程退出代码:${p2.exitCode}`);
}

if (isMainProcess) {
  await processMain();
  console.log('主进程结束。');
}
