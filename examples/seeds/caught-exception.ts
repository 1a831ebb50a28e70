// An error that the process itself deals with.
import { isMainProcess, Process, task } from 'multiproc';

const processFunction = task(import.meta, function processFunction() {
  try {
    throw new RangeError('An error occurred!');
  } catch (e) {
    console.log(`Exception in process: ${(e as Error).message}`);
  }
});

if (isMainProcess) {
  // 创建并启动进程
  const process = new Process({ target: processFunction });
  process.start();
  await process.join();
}
