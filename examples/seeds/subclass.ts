// A process as a class.
import { isMainProcess, Process } from 'multiproc';

class MyProcess extends Process {
  static {
    Process.register(import.meta, this);
  }

  override run() {
    console.log('Hello from a process!');
  }
}

if (isMainProcess) {
  // 创建并启动进程
  const process = new MyProcess();
  process.start();
  await process.join();
}
