// A manager's lock, value, array and dict in a pool's tasks. What is no manager's is a copy in each of them.
import {
  isMainProcess,
  Manager,
  type ManagedArray,
  type ManagedDict,
  type ManagedLock,
  type ManagedValue,
  Pool,
  task,
} from 'multiproc';

const worker = task(
  import.meta,
  async function worker(
    i: number,
    lock: ManagedLock,
    normalValue: number,
    sharedValue: ManagedValue<number>,
    sharedArray: ManagedArray,
    sharedDict: ManagedDict<string, number>,
  ) {
    normalValue += 1;
    await lock.run(async () => {
      await sharedValue.set((await sharedValue.get()) + 1);
      await sharedArray.set(0, ((await sharedArray.at(0)) ?? 0) + 1);
      await sharedDict.set('count', ((await sharedDict.get('count')) ?? 0) + 1);
    });
    console.log(
      `子进程[${i}]--normal:${normalValue},shared_v:${String(sharedValue)},shared_a:${String(sharedArray)},shared_d:${String(sharedDict)}`,
    );
  },
);

async function processMain() {
  const po = new Pool(2);

  await using manager = await Manager();
  const lock = await manager.Lock();
  const normalValue = 0;
  const sharedValue = await manager.Value('i', 0);
  const sharedArray = await manager.Array('i', [0, 1, 2]);
  const sharedDict = await manager.dict({ count: 0 });

  for (let i = 0; i < 5; i++) po.applyAsync(worker, [i, lock, normalValue, sharedValue, sharedArray, sharedDict]);

  po.close();
  await po.join();
  console.log(String(sharedValue), String(sharedArray), String(sharedDict));
}

if (isMainProcess) {
  await processMain();
  console.log('主进程结束。');
}
