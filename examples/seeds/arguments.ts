// A function with an argument.
import { isMainProcess, Process, task } from 'multiproc';

const processFunction = task(import.meta, function processFunction(name: string) {
  console.log(`Hello from ${name}!`);
});

if (isMainProcess) {
  // 创建并启动进程
  const process = new Process({ target: processFunction, args: ['Process-1'] });
  process.start();
  await process.join();
}
