// Producer and consumer, with a queue between them.
import { isMainProcess, Process, Queue, task } from 'multiproc';

const producer = task(import.meta, async function producer(queue: Queue<number | null>) {
  for (let i = 0; i < 5; i += 1) {
    await queue.put(i);
    console.log(`Produced ${i}`);
  }
});

const consumer = task(import.meta, async function consumer(queue: Queue<number | null>) {
  while (true) {
    const item = await queue.get();
    if (item === null) break;
    console.log(`Consumed ${item}`);
  }
});

if (isMainProcess) {
  // 创建队列
  const queue = new Queue<number | null>();

  // 创建生产者和消费者进程
  const producerProcess = new Process({ target: producer, args: [queue] });
  const consumerProcess = new Process({ target: consumer, args: [queue] });

  // 启动进程
  producerProcess.start();
  consumerProcess.start();

  // 等待生产者进程完成
  await producerProcess.join();

  // 向队列中添加结束信号
  await queue.put(null);

  // 等待消费者进程完成
  await consumerProcess.join();
}
