// A child sends a message through a pipe.
import { type Connection, isMainProcess, Pipe, Process, task } from 'multiproc';

const pracownik = task(import.meta, async function pracownik(polaczenie: Connection) {
  await polaczenie.send('Proces pozdrawia serdecznie!');
  polaczenie.close();
});

if (isMainProcess) {
  const [polaczenieRodzica, polaczenieDziecka] = Pipe();
  const proces = new Process({ target: pracownik, args: [polaczenieDziecka] });
  proces.start();
  console.log(await polaczenieRodzica.recv()); // Odbieramy komunikat od procesu
  await proces.join();
}
