// Numbers go to whichever process is free, through a queue.
import { Array as SharedArray, isMainProcess, Process, Queue, task } from 'multiproc';

type Zadanie = readonly [indeks: number, liczba: number] | readonly [null, null];

const obliczKwadratyTask = task(
  import.meta,
  async function obliczKwadratyTask(kolejka: Queue<Zadanie>, wynik: Int32Array) {
    while (true) {
      const [indeks, liczba] = await kolejka.get();
      if (liczba === null) break;
      wynik[indeks] = liczba * liczba;
    }
  },
);

if (isMainProcess) {
  const liczby = [1, 2, 3, 4, 5, 6, 7, 8, 9];
  const liczbaProcesow = 3;
  const kolejka = new Queue<Zadanie>();
  const wynik = new SharedArray('i', liczby.length);
  const procesy: Process[] = [];
  // Tworzenie procesów
  for (let i = 0; i < liczbaProcesow; i += 1) {
    const p = new Process({ target: obliczKwadratyTask, args: [kolejka, wynik] });
    procesy.push(p);
    p.start();
  }
  // Wysyłanie zadań do kolejki
  for (const [i, liczba] of liczby.entries()) await kolejka.put([i, liczba]);
  // Wysyłanie sygnału zakończenia do procesów
  for (let i = 0; i < liczbaProcesow; i += 1) await kolejka.put([null, null]);
  // Czekanie na zakończenie wszystkich procesów
  for (const p of procesy) await p.join();
  // Wyświetlenie wyników
  console.log(`Kwadraty: [${wynik.join(', ')}]`);
}
