// A list of records in a manager: one process adds one, another one prints all.
import { isMainProcess, Manager, type ManagedList, Process, task } from 'multiproc';

type Record = readonly [name: string, score: number];

const printRecords = task(import.meta, async function printRecords(records: ManagedList<Record>) {
  for await (const record of records) console.log(`Name: ${record[0]}\nScore: ${record[1]}\n`);
});

const insertRecord = task(import.meta, async function insertRecord(record: Record, records: ManagedList<Record>) {
  await records.append(record);
  console.log('A New record is added\n');
});

if (isMainProcess) {
  await using manager = await Manager();
  const records = await manager.list<Record>([
    ['Computers', 1],
    ['Histoty', 5],
    ['Hindi', 9],
  ]);
  const newRecord: Record = ['English', 3];

  const p1 = new Process({ target: insertRecord, args: [newRecord, records] });
  const p2 = new Process({ target: printRecords, args: [records] });
  p1.start();
  await p1.join();
  p2.start();
  await p2.join();
}
