import { isMainProcess, Process, SyncManager, task } from 'multiproc';

class Account {
  #balance = 0;
  deposit(amount) {
    if (!(amount > 0)) throw new RangeError(`Cannot deposit ${amount}`);
    return (this.#balance += amount);
  }
}
const openAccount = task(import.meta, function openAccount() {
  return new Account(); // in the manager's process
});
const earn = task(import.meta, async function earn(account, log) {
  for (let n = 1; n <= 100; n += 1) await log.append(await account.deposit(n));
});

if (isMainProcess) {
  const manager = new SyncManager();
  const newAccount = manager.register('Account', { factory: openAccount });
  await manager.start();
  const [account, log] = [await newAccount(), await manager.list()];
  const earners = [1, 2].map(() => new Process({ target: earn, args: [account, log] }));
  for (const earner of earners) earner.start();
  for (const earner of earners) await earner.join();
  const refused = await account.deposit(-1).catch((error) => error.message);
  console.log(await log.length(), await log.at(-1), refused); // 200 10100 Cannot deposit -1
  await manager.shutdown();
}
