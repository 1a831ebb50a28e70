// A process that runs a function.
import { isMainProcess, Process, task } from 'multiproc';

const processFunction = task(import.meta, function processFunction() {
  console.log('Hello from a process!');
});

if (isMainProcess) {
  // 创建并启动进程
  const process = new Process({ target: processFunction });
  process.start();
  await process.join();
}
