// Producer and consumer at the two ends of a pipe; the main process keeps the end that it gave away.
import { type Connection, isMainProcess, Pipe, Process, task } from 'multiproc';

const sender = task(import.meta, async function sender(pipe: Connection<number | null>) {
  for (let i = 0; i < 5; i += 1) {
    await pipe.send(i);
    console.log(`Sent ${i}`);
  }
});

const receiver = task(import.meta, async function receiver(pipe: Connection<number | null>) {
  while (true) {
    const item = await pipe.recv();
    if (item === null) break;
    console.log(`Received ${item}`);
  }
});

if (isMainProcess) {
  // 创建管道
  const [parentConn, childConn] = Pipe<number | null, number | null>();

  // 创建发送者和接收者进程
  const senderProcess = new Process({ target: sender, args: [parentConn] });
  const receiverProcess = new Process({ target: receiver, args: [childConn] });

  // 启动进程
  senderProcess.start();
  receiverProcess.start();

  // 等待发送者进程完成
  await senderProcess.join();

  // 向管道中添加结束信号
  await parentConn.send(null);

  // 等待接收者进程完成
  await receiverProcess.join();
}
