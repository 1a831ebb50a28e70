/** docs/protocol.md against the code: its numbers against the native headers, its rules by reading a queue with them. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Queue } from 'multiproc';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const lines = readFileSync(join(root, 'docs/protocol.md'), 'utf8').split('\n');

/** Cells of a table's row without their backticks; `undefined` for any other line. */
function cellsOf(line: string): string[] | undefined {
  if (!line.startsWith('|')) return undefined;
  return line
    .slice(1, -1)
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim().replace(/^`(.*)`$/, '$1'));
}

/** Rows of the tables whose heading `wanted` accepts. */
function rowsOf(wanted: (heading: readonly string[]) => boolean): string[][] {
  const rows: string[][] = [];
  let taken: boolean | undefined;
  for (const line of lines) {
    const cells = cellsOf(line);
    if (cells === undefined) {
      taken = undefined;
    } else if (taken === undefined) {
      taken = wanted(cells);
    } else if (taken && !/^[-:]+$/.test(cells[0] ?? '')) {
      rows.push(cells);
    }
  }
  return rows;
}

/** C++ conditions that hold if the tables are right. */
function layoutConditions(): string[] {
  const conditions: string[] = [];
  let struct = '';
  for (const line of lines) {
    const heading = /^### `(\w+)`, ([\d,]+) bytes$/.exec(line);
    if (line.startsWith('#')) struct = heading?.[1] ?? '';
    if (heading !== null) conditions.push(`sizeof(${struct}) == ${heading[2]}`);
    const [offset = '', bytes = '', field = ''] = cellsOf(line) ?? [];
    if (struct === '' || !/^\d+$/.test(offset)) continue;
    conditions.push(`offsetof(${struct}, ${field}) == ${offset}`, `sizeof(${struct}::${field}) == ${bytes}`);
  }
  return conditions;
}

function valueConditions(): string[] {
  const named = rowsOf(([name = '', value]) => value === 'value' && name !== 'example');
  const examples = rowsOf(([name]) => name === 'example');
  return [...named, ...examples].map(
    ([name = '', value = '']) => `static_cast<unsigned long long>(${name}) == ${value}ull`,
  );
}

/** Compiles and runs a program that prints the conditions that do not hold. */
function failing(conditions: readonly string[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'multiproc-protocol-'));
  try {
    const source = join(folder, 'protocol.cc');
    const program = join(folder, 'protocol');
    const checks = conditions.map((condition) => `  if (!(${condition})) puts(${JSON.stringify(condition)});`);
    writeFileSync(
      source,
      `#include <stdio.h>\n#include "core/layout.h"\n#include "core/ring_word.h"\nusing namespace multiproc;\nint main() {\n${checks.join('\n')}\n}\n`,
    );
    const options = ['-std=c++20', '-Wno-invalid-offsetof', '-I', join(root, 'native'), '-o', program, source];
    execFileSync('g++', options, { encoding: 'utf8', timeout: 200_000 });
    return execFileSync(program, { encoding: 'utf8', timeout: 200_000 });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('every offset, size and number of docs/protocol.md is that of the native headers', () => {
  const layout = layoutConditions();
  const values = valueConditions();
  expect(layout.length).toBeGreaterThan(100);
  expect(values.length).toBeGreaterThan(40);
  expect(failing([...layout, ...values])).toBe('');
  // The check itself can fail.
  expect(failing(['sizeof(RegistrySlot) == 127'])).toBe('sizeof(RegistrySlot) == 127\n');
});

/** A queue's file, read by the rules of docs/protocol.md alone. */
class QueueFile {
  readonly #bytes: Buffer;
  readonly #body: number;
  readonly #lines: number;
  readonly #log2: bigint;

  constructor(handle: string) {
    const [, kind, segment, offset, generation, uuid] = handle.split(':');
    expect([kind, offset, generation]).toEqual(['queue', '0', '0']);
    this.#bytes = readFileSync(`/dev/shm/multiproc.${process.geteuid?.() ?? ''}.${segment ?? ''}`);
    const bytes = this.#bytes;
    expect(bytes.toString('latin1', 0, 8)).toBe('MTIPROC1');
    expect(bytes.readUInt32LE(8)).toBe(5);
    expect(bytes.readUInt32LE(16)).toBe(2);
    expect(Number(bytes.readBigUInt64LE(24))).toBe(bytes.length);
    expect(bytes.readBigUInt64LE(32).toString(16).padStart(16, '0')).toBe(uuid);
    this.#body = Number(bytes.readBigUInt64LE(40));
    this.#lines = Number(bytes.readBigUInt64LE(56));
    const registryEnd = Math.ceil((4096 + bytes.readUInt32LE(20) * 128) / 4096) * 4096;
    const dataStart = Math.ceil((4096 + this.#lines * 8) / 4096) * 4096;
    expect(this.#body).toBe(Math.ceil((registryEnd + dataStart) / 65_536) * 65_536 - dataStart);
    this.#log2 = BigInt(Math.log2(this.#lines));
    let hash = 2166136261;
    for (let at = 0; at < 2080; at++) hash = Math.imul(hash ^ (bytes[at] ?? 0), 16777619);
    expect(bytes.readUInt32LE(2080)).toBe(hash >>> 0);
  }

  get meta(): unknown {
    const meta: unknown = JSON.parse(this.#bytes.toString('utf8', 80, 80 + this.#bytes.readUInt32LE(76)));
    return meta;
  }

  cursor(offset: number): { position: bigint; sequence: bigint } {
    const word = this.#bytes.readBigUInt64LE(this.#body + offset);
    return { position: word >> 20n, sequence: word & 0xfffffn };
  }

  /** The committed messages from `head` on. */
  messages(): { bytes: Buffer; flags: number }[] {
    const messages: { bytes: Buffer; flags: number }[] = [];
    const dataAt = this.#body + Math.ceil((4096 + this.#lines * 8) / 4096) * 4096;
    let { position } = this.cursor(128);
    for (;;) {
      const line = Number(position) & (this.#lines - 1);
      const index = (line & ~63) | ((line & 7) << 3) | ((line >> 3) & 7);
      const word = this.#bytes.readBigUInt64LE(this.#body + 4096 + index * 8);
      const lapBits = 42n - this.#log2;
      const rest = word >> (7n + this.#log2);
      if (rest >> 15n !== ((position >> this.#log2) & ((1n << lapBits) - 1n))) return messages;
      const count = Number((word >> 7n) & ((1n << this.#log2) - 1n)) + 1;
      const length = count * 64 - Number(word & 127n);
      const state = Number((rest >> 10n) & 7n);
      if (state === 2) {
        // Twice in a row, as the data is mapped.
        const data = Buffer.concat([this.#bytes.subarray(dataAt), this.#bytes.subarray(dataAt)]);
        messages.push({ bytes: data.subarray(line * 64, line * 64 + length), flags: Number((rest >> 13n) & 3n) });
      }
      position += BigInt(count);
    }
  }
}

test('a queue can be read with nothing but docs/protocol.md, wrapped messages and spilled ones too', () => {
  using queue = new Queue({ codec: 'raw', capacity: 65_536 });
  const message = (seed: number, length: number): Buffer =>
    Buffer.from(Array.from({ length }, (_, at) => (at * 7 + seed) & 255));
  const fillers = 7;
  const fillerLines = Math.floor((queue.capacity / 64 - 8) / fillers);
  for (let seed = 0; seed < fillers; seed++) {
    queue.putSync(message(seed, fillerLines * 64 - 5));
    queue.getSync();
  }
  // The second of these goes over the end of the ring.
  const sent = [message(1, 100), message(2, 900), message(3, 0), message(4, 64)];
  for (const each of sent) queue.putSync(each);
  const long = message(5, queue.capacity / 4 + 1);
  queue.putSync(long);

  const file = new QueueFile(queue.handle);
  expect(file.meta).toEqual({ class: 'Queue', codec: 'raw' });
  const firstPosition = queue.capacity / 64;
  const start = BigInt(firstPosition + fillers * fillerLines);
  expect(file.cursor(128)).toEqual({ position: start, sequence: 7n });
  expect(file.cursor(0)).toEqual({ position: start + 2n + 15n + 1n + 1n + 1n, sequence: 12n });
  const found = file.messages();
  expect(found.slice(0, -1)).toEqual(sent.map((bytes) => ({ bytes, flags: 0 })));
  const descriptor = found.at(-1);
  expect(descriptor?.flags).toBe(1);
  expect(descriptor?.bytes.readBigUInt64LE(8)).toBe(BigInt(long.length));
  const uuid = queue.handle.split(':')[5] ?? '';
  const id = descriptor?.bytes.readBigUInt64LE(0).toString(16).padStart(16, '0') ?? '';
  expect(readFileSync(`/dev/shm/multiproc.${process.geteuid?.() ?? ''}.~${uuid}.${id}`)).toEqual(long);
});
