// A list and a dict in a manager, changed by another process.
import { isMainProcess, Manager, type ManagedDict, type ManagedList, Process, task } from 'multiproc';

const pracownik = task(import.meta, async function pracownik(lista: ManagedList<string>, slownik: ManagedDict) {
  await lista.append('Proces dodał element do listy');
  await slownik.set('klucz', 'Wartość dodana przez proces');
});

if (isMainProcess) {
  await using manager = await Manager();
  const lista = await manager.list<string>();
  const slownik = await manager.dict();

  const proces = new Process({ target: pracownik, args: [lista, slownik] });
  proces.start();
  await proces.join();

  console.log(String(lista));
  console.log(String(slownik));
}
