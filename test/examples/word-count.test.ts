/** The example that `npm start` runs. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Result, differenceOf } from '../../examples/word-count/result.mjs';
import { listFiles, readTexts } from '../../examples/word-count/texts.mjs';
import { WordTable } from '../../examples/word-count/word-table.mjs';
import { countWords } from '../../examples/word-count/words.mjs';
import { expectNoLeftovers } from '../support/leftovers.js';
import { type Child, commandLineTool, startChild } from '../support/run-child.js';
import { until } from '../support/until.js';

expectNoLeftovers();

const example = '../../examples/word-count.mjs';
let folder = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'multiproc-words-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
}

function isRunning(pid: number): boolean {
  return existsSync(`/proc/${pid}`);
}

/** The segments that a process has open, or had when it ended. */
function segmentsOf(pid: number): { readonly pids: readonly number[] }[] {
  const { stdout } = spawnSync(process.execPath, [commandLineTool, 'ls', '--json'], { encoding: 'utf8' });
  const segments = JSON.parse(stdout) as { readonly participants: readonly { readonly pid: number }[] }[];
  return segments
    .map(({ participants }) => ({ pids: participants.map((each) => each.pid) }))
    .filter(({ pids }) => pids.includes(pid));
}

/** Every word of a table with its count, through the parts that travel. */
function countsOf(table: WordTable, partSize = 3): Map<string, number> {
  const parts = [...table.parts(partSize)];
  return new Map(
    parts.flatMap(({ words, counts }) => {
      const texts = Buffer.from(words).toString().split('\n');
      return [...counts].map((count, index): [string, number] => [texts[index] ?? '', count]);
    }),
  );
}

function tableOf(text: string): WordTable {
  const table = new WordTable();
  countWords(Buffer.from(text), table);
  return table;
}

/** The same rule in other words: a regular expression over the decoded text. */
function expectedCounts(text: string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const [run] of text.matchAll(/[\p{L}\p{M}]+/gu)) {
    const word = run.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
    if (Buffer.byteLength(word) > 1) counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  return counts;
}

describe('words', () => {
  test.each([
    ['The cat and the Dog: THE end.'],
    ['a b cc; é ß Straße, naïve — 漢字かな交じり文 😀 Ελλάδα x1y2zz'],
    [
      Array.from(
        { length: 100_000 },
        (_, n) => `w${n.toString(26).replace(/\d/g, (digit) => 'qrstuvwxyz'[+digit] ?? '')}`,
      ).join(' '),
    ],
    [''],
  ])('are those that a regular expression finds (%#)', (text) => {
    expect(countsOf(tableOf(text))).toEqual(expectedCounts(text));
  });

  test('end at bytes that are no UTF-8', () => {
    const table = new WordTable();
    const text = Buffer.concat([
      Buffer.from('left'),
      Buffer.from([0xff, 0xc3, 0x28, 0xe2, 0x82]),
      Buffer.from('right'),
      Buffer.from([0xc3]),
    ]);
    expect(countWords(text, table)).toBe(2);
    expect(countsOf(table)).toEqual(
      new Map([
        ['left', 1],
        ['right', 1],
      ]),
    );
  });

  test('longer than any word are several', () => {
    expect(countWords(Buffer.from('x'.repeat(600)), new WordTable())).toBe(3);
  });

  test('of several tables are merged, and the most frequent come first', () => {
    const table = tableOf('one two two three three three');
    for (const part of tableOf('one one one four four').parts(1)) table.merge(part);
    expect(table.top(3)).toEqual([
      ['one', 4],
      ['three', 3],
      ['four', 2],
    ]);
    expect(table.size).toBe(4);
  });
});

describe('comparing results', () => {
  const resultOf = (text: string, files = 1): Result => {
    const result = new Result();
    for (const part of tableOf(text).parts(10)) result.merge(part);
    result.workers = [{ files, bytes: 1, words: 1 }];
    return result;
  };

  test('finds equal ones equal, in any order of words', () => {
    expect(differenceOf(resultOf('red green red'), resultOf('green red red'))).toBeUndefined();
  });

  test.each([
    [resultOf('red red'), resultOf('red'), '2 and 1 times "red"'],
    [resultOf('red'), resultOf('red green'), '0 and 1 times "green"'],
    [resultOf('red green'), resultOf('red'), '1 and 0 times "green"'],
    [resultOf('red', 5), resultOf('red', 6), '5 and 6 files'],
  ])('names what differs (%#)', (a, b, difference) => {
    expect(differenceOf(a, b)).toBe(difference);
  });
});

describe('reading', () => {
  test('takes the texts of a tree in order, without binary, empty and hidden files', async () => {
    mkdirSync(join(folder, 'below', '.hidden'), { recursive: true });
    writeFileSync(join(folder, 'z.txt'), 'last');
    writeFileSync(join(folder, 'below', 'a.txt'), 'first');
    writeFileSync(join(folder, 'below', 'binary'), Buffer.from([1, 0, 2]));
    writeFileSync(join(folder, 'below', 'empty'), '');
    writeFileSync(join(folder, 'below', '.hidden', 'c.txt'), 'not seen');
    const { texts, bytes, skipped } = await readTexts(await listFiles(folder, /./), () => undefined);
    expect(texts.map(String)).toEqual(['first', 'last']);
    expect([bytes, skipped]).toEqual([9, 1]);
  });

  test('refuses what is gone, and more than may be kept in memory', async () => {
    const path = join(folder, 'a.txt');
    await expect(readTexts([path], () => undefined)).rejects.toThrow(`Cannot read ${path}: it does not exist`);
    writeFileSync(path, '12345678');
    await expect(readTexts([path], () => undefined, 7)).rejects.toThrow('7 bytes at most');
  });
});

describe('npm start', () => {
  test('counts a folder both ways and says so', async () => {
    const text = 'apple Banana apple\ncherry apple banana 🍎\n';
    for (let n = 0; n < 60; n++) writeFileSync(join(folder, `${n}.txt`), text.repeat(n * n + 1));
    const { code, stdout, stderr } = await startChild(example, { args: [folder] }).exit;
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const copies = Array.from({ length: 60 }, (_, n) => n * n + 1).reduce((sum, times) => sum + times);
    const row = (word: string, times: number): string => `${word} │ ${(times * copies).toLocaleString('en-US')} │`;
    expect(stdout.replace(/ +/g, ' ')).toContain(row('apple', 3));
    expect(stdout.replace(/ +/g, ' ')).toContain(row('banana', 2));
    expect(stdout).toMatch(/The results are equal\. Counting over process\.send took \d+\.\d\d times as long/);
  });

  test.each([
    ['/no/such/folder', 'Cannot read folder /no/such/folder: it does not exist\n'],
    ['/dev/null', 'Cannot read folder /dev/null: it is not a folder\n'],
    // Not even the superuser can read these.
    ['/proc/sys/vm', expect.stringMatching(/^Cannot read \/proc\/sys\/vm\/\w+: permission denied\n$/) as string],
  ])('refuses %s', async (argument, message) => {
    const { code, stderr } = await startChild(example, { args: [argument] }).exit;
    expect({ code, stderr }).toEqual({ code: 1, stderr: message });
  });

  describe('while it counts', () => {
    /** Starts it on enough text for many seconds; resolves when both workers are at it. */
    async function startCounting(): Promise<{ child: Child; workers: readonly number[] }> {
      for (let n = 0; n < 20; n++) writeFileSync(join(folder, `${n}.txt`), 'word '.repeat(2_000_000));
      const child = startChild(example, { args: [folder] });
      let workers: number[] = [];
      await until('both workers count', () => {
        workers = childrenOf(child.pid);
        return segmentsOf(child.pid).some(
          ({ pids }) => workers.length > 1 && workers.every((pid) => pids.includes(pid)),
        );
      });
      return { child, workers };
    }

    test('a signal ends it with its workers and its shared memory', async () => {
      const { child, workers } = await startCounting();
      child.kill('SIGINT');
      expect((await child.exit).code).toBe(130);
      expect(workers.filter(isRunning)).toEqual([]);
      expect(segmentsOf(child.pid)).toEqual([]);
    });

    test('the death of a worker ends it with an error', async () => {
      const { child, workers } = await startCounting();
      process.kill(workers[1] ?? 0, 'SIGKILL');
      const { code, stderr } = await child.exit;
      expect({ code, stderr }).toEqual({ code: 1, stderr: 'Cannot count: worker 2 ended with SIGKILL\n' });
      expect(workers.filter(isRunning)).toEqual([]);
      expect(segmentsOf(child.pid)).toEqual([]);
    });
  });

  test('refuses a folder without texts', async () => {
    const { code, stderr } = await startChild(example, { args: [folder] }).exit;
    expect({ code, stderr }).toEqual({ code: 1, stderr: `Cannot count ${folder}: there are no texts below it\n` });
  });
});
