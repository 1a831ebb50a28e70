// A pool of four workers, and a task for each of ten numbers.
import { isMainProcess, Pool, task } from 'multiproc';

/** 该函数将在子进程中执行 */
const worker = task(import.meta, function worker(num: number) {
  console.log(`Worker ${num}`);
});

if (isMainProcess) {
  // 创建进程池
  const pool = new Pool(4);
  // 启动进程池中的进程
  await pool.map(worker, Array(10).keys());
  // 关闭进程池
  pool.close();
  // 等待进程池中的进程结束
  await pool.join();
}
