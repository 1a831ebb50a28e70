// Each process squares a third of the numbers, in its part of a shared array: a view of it, where a slice would be a copy.
import { Array as SharedArray, isMainProcess, Process, task } from 'multiproc';

// Funkcja obliczająca kwadraty liczb
const obliczKwadraty = task(
  import.meta,
  function obliczKwadraty(liczby: readonly number[], wynik: Int32Array, indeks: number) {
    console.log(`Proces ${indeks + 1} pracuje z [${liczby.join(', ')}]`);
    for (const [i, liczba] of liczby.entries()) wynik[i] = liczba * liczba;
    console.log(`Proces ${indeks + 1} zakończony!`);
  },
);

// Główna część programu
if (isMainProcess) {
  const liczby = [1, 2, 3, 4, 5, 6, 7, 8, 9];
  const liczbaProcesow = 3;
  const rozmiar = Math.floor(liczby.length / liczbaProcesow);
  const procesy: Process[] = [];
  const wynik = new SharedArray('i', liczby.length);
  // Tworzenie i uruchamianie procesów
  for (let i = 0; i < liczbaProcesow; i += 1) {
    const indeksStartowy = rozmiar * i;
    const indeksKoncowy = i === liczbaProcesow - 1 ? liczby.length : indeksStartowy + rozmiar;
    const p = new Process({
      target: obliczKwadraty,
      args: [liczby.slice(indeksStartowy, indeksKoncowy), wynik.subarray(indeksStartowy, indeksKoncowy), i],
    });
    procesy.push(p);
    p.start();
  }
  // Czekanie na zakończenie wszystkich procesów
  for (const p of procesy) await p.join();
  // Wyświetlenie wyników
  console.log(`Kwadraty: [${wynik.join(', ')}]`);
}
