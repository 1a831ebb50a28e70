/** Processes of CSP: how they are started, what they give back, and what becomes of their ends. */
import { activeChildren, Barrier, Queue, StateError, WorkerDiedError } from 'multiproc';
import {
  Channel,
  currentProcessId,
  Parallel,
  ParallelSync,
  poison,
  PoisonError,
  process as csp,
  ProcessDescription,
  type ReadEnd,
  retire,
  RetireError,
  Sequence,
  SequenceSync,
  Spawn,
  times,
  type WriteEnd,
} from 'multiproc/csp';
import { describe, expect, test } from 'vitest';
import {
  Blocker,
  Bomb,
  BombReader,
  BombWriter,
  Client,
  Consumer,
  ConsumerSync,
  Failing,
  Idle,
  InlineConsumer,
  InlineProducer,
  Killed,
  Maker,
  Nested,
  Poisoner,
  Producer,
  ProducerSync,
  ReadForEver,
  ReturnsIt,
  Server,
  Spawner,
  ThreadConsumer,
  ThreadMaker,
  ThreadProducer,
} from '../fixtures/csp-processes.mjs';
import { expectNoLeftovers } from '../support/leftovers.js';
import { until } from '../support/until.js';

expectNoLeftovers();

async function withChannel<R>(body: (channel: Channel) => Promise<R>, buffer = 0): Promise<R> {
  const channel = new Channel({ buffer });
  try {
    return await body(channel);
  } finally {
    channel.close();
  }
}

function pairs(who: unknown, count: number): [unknown, number][] {
  return Array.from({ length: count }, (_, i) => [who, i]);
}

describe('starting and results', () => {
  test('Parallel runs processes that block at the same time, and gives their results in order', async () => {
    const barrier = new Barrier(2);
    const planned = [Blocker(barrier), Blocker(barrier)];
    expect(planned.every((each) => each instanceof ProcessDescription)).toBe(true);
    expect(activeChildren()).toEqual([]);
    // Each waits, blocking its thread, for the other.
    expect(await Parallel(planned)).toEqual(planned.map(({ id }) => id));
    expect(planned.map(({ returnValue }) => returnValue)).toEqual(planned.map(({ id }) => id));
    await expect(Parallel(planned)).rejects.toThrow(StateError);
    barrier.close();
  });

  test('lists are flattened, and inline processes mix with others', () =>
    withChannel(async (channel) => {
      const [a, [b, c]] = [InlineProducer(channel.writer(), 3), [Idle(1, 2), [Idle()]]] as const;
      const result = await Parallel(a, [b, c], InlineConsumer(channel.reader()));
      expect(result).toEqual([a.id, 2, 0, [0, 1, 2]]);
    }));

  test('ParallelSync and SequenceSync block; they refuse inline processes', () => {
    expect(ParallelSync(Idle(1), [Idle(1, 2)])).toEqual([1, 2]);
    expect(SequenceSync(Idle(), Idle(1))).toEqual([0, 1]);
    const inline = csp(() => Promise.resolve(1), { inline: true });
    expect(() => ParallelSync(inline())).toThrow(StateError);
    expect(() => ParallelSync(Failing(), Idle())).toThrow('It failed on purpose');
  });

  test('Sequence runs one after the other, and stops at a failure', () =>
    withChannel(async (channel) => {
      expect(await Sequence(Producer(channel.writer(), 2, 'a'), Idle(channel.writer()))).toEqual([2, 1]);
      const cin = channel.reader();
      await expect(cin()).resolves.toEqual(['a', 0]);
      cin.close();
      await withChannel(async (other) => {
        const end = other.reader();
        await expect(Sequence(Failing(), Producer(other.writer(), 1))).rejects.toThrow(RangeError);
        await expect(end()).rejects.toThrow(PoisonError);
        end.close();
      });
    }, 3));

  test('Spawn returns at once; the spawning process ends after what it has spawned', () =>
    withChannel(async (channel) => {
      const cin = channel.reader();
      const [spawner] = Spawn(Spawner(channel.writer()));
      const values = [];
      for await (const value of cin) values.push(value);
      expect(values).toEqual(pairs('p', 3));
      await expect(spawner?.result).resolves.toBe('spawned');
      cin.close();
    }));

  test('processes start processes', async () => {
    expect(await Parallel(Nested(2))).toEqual([[['leaf']]]);
  });

  test("ids are the processes' own", async () => {
    const own = currentProcessId();
    expect(currentProcessId()).toBe(own);
    const inline = csp(() => Promise.resolve(currentProcessId()), { inline: true });
    const two = times(2, inline());
    const ids = await Parallel(two);
    expect(ids).toEqual(two.map(({ id }) => id));
    expect(new Set([...ids, own]).size).toBe(3);
  });

  test('what is refused says why', async () => {
    expect(() => csp(import.meta, 5 as never)).toThrow(TypeError);
    expect(() => csp(import.meta, () => 1)).toThrow(TypeError);
    expect(() => csp(() => 1, {} as never)).toThrow(TypeError);
    expect(() => csp(import.meta, 'name', () => 1, { inline: 1 } as never)).toThrow(TypeError);
    expect(() => times(-1, Idle())).toThrow(RangeError);
    expect(() => times(1, 5 as never)).toThrow(TypeError);
    await expect(Parallel(5 as never)).rejects.toThrow(TypeError);
    const one = Idle();
    await expect(Parallel(one, one)).rejects.toThrow(RangeError);
    expect(await Parallel()).toEqual([]);
    await withChannel(async (channel) => {
      // One that cannot be started: the other, which runs, does not wait for it for ever.
      const refused = Parallel(
        Consumer(channel.reader()),
        Producer(channel.writer(), 1, () => undefined),
      );
      await expect(refused).rejects.toMatchObject({ code: 'ERR_MULTIPROC_NOT_TRANSFERABLE' });
    });
  });
});

describe('ends of processes', () => {
  test('ends in arguments belong to the process from its start on, and retire when it returns', () =>
    withChannel(async (channel) => {
      const cout = channel.writer();
      const cin = channel.reader();
      const result = await Parallel(Producer(cout, 3), Consumer(cin));
      expect(result).toEqual([3, pairs('p', 3)]);
      expect([cout.closed, cin.closed]).toEqual([true, true]);
      retire(cout, cin);
      await expect(cout(1)).rejects.toMatchObject({ code: 'ERR_MULTIPROC_CLOSED' });
    }));

  test('N producers and M consumers, each with ends of its own, share everything and all end', () =>
    withChannel(async (channel) => {
      const producers = [...times(2, Producer(channel.writer(), 50)), ...times(2, ProducerSync(channel.writer(), 50))];
      const consumers = [...times(2, Consumer(channel.reader())), ...times(1, ConsumerSync(channel.reader()))];
      const results = await Parallel(producers, consumers);
      expect(results.slice(0, 4)).toEqual([50, 50, 50, 50]);
      expect((results.slice(4) as unknown[][]).flat()).toHaveLength(200);
      expect(await Parallel(times(0, Producer(channel.writer(), 1)))).toEqual([]);
    }));

  test('ends of new channels are sent over channels, and retired by both', () =>
    withChannel(async (channel) => {
      const [served, sum] = await Parallel(Server(channel.reader()), Client(channel.writer(), 20));
      expect([served, sum]).toEqual([20, 380]);
    }));

  test('a PoisonError that is not caught poisons all ends, a RetireError retires them', () =>
    withChannel(async (first) => {
      await withChannel(async (second) => {
        const others = second.reader();
        const reading = expect(others()).rejects.toThrow(PoisonError);
        await Parallel(Poisoner(first.writer()), ReadForEver(first.reader(), second.writer()));
        await reading;
        others.close();
      });
      await withChannel(async (third) => {
        await withChannel(async (fourth) => {
          const others = fourth.reader();
          const reading = expect(others()).rejects.toThrow(RetireError);
          await Parallel(Idle(third.writer()), ReadForEver(third.reader(), [{ nested: fourth.writer() }]));
          await reading;
          others.close();
        });
      });
    }));

  test('another error poisons the network, and Parallel rejects with it when all have ended', () =>
    withChannel(async (channel) => {
      const started = Parallel(Failing(channel.writer()), Consumer(channel.reader()), Producer(channel.writer(), 9));
      await expect(started).rejects.toThrow(expect.objectContaining({ name: 'RangeError' }));
      expect(activeChildren()).toEqual([]);
    }));

  test('a killed process retires its ends: the others go on, and Parallel says who was killed', () =>
    withChannel(async (channel) => {
      const consumer = Consumer(channel.reader());
      const started = Parallel(Killed(channel.writer()), Producer(channel.writer(), 5), consumer);
      await expect(started).rejects.toThrow(WorkerDiedError);
      await expect(started).rejects.toMatchObject({ signalCode: 'SIGKILL', exitCode: -9 });
      expect(consumer.returnValue).toEqual(pairs('p', 5));
    }));

  test('what a reader was killed over before it had it, another one gets; what a writer was killed over, nobody', () =>
    withChannel(async (channel) => {
      const cout = channel.writer();
      const first = Spawn(BombReader(channel.reader(), true));
      await cout(new Bomb('when read', 'taken'));
      const [dead, second] = [first[0]?.result, Spawn(BombReader(channel.reader(), false))[0]?.result];
      await expect(dead).rejects.toThrow(WorkerDiedError);
      expect(await second).toBe('taken');
      retire(cout);
      await withChannel(async (other) => {
        const cin = other.reader();
        await expect(Parallel(BombWriter(other.writer(), true))).rejects.toThrow(WorkerDiedError);
        await expect(cin()).rejects.toThrow(RetireError);
        cin.close();
      });
    }));

  test('processes can be threads', () =>
    withChannel(async (channel) => {
      const producers = times(2, ThreadProducer(channel.writer(), 20));
      const [first, second, values] = await Parallel(producers, ThreadConsumer(channel.reader()));
      expect([first, second]).not.toContain(0);
      expect(first).not.toBe(second);
      expect(values).toHaveLength(40);
    }));

  test('a process that is stopped is not dead: its ends stay, and it goes on where it was', () =>
    withChannel(async (channel) => {
      const cin = channel.reader();
      const [producer] = Spawn(Producer(channel.writer(), 1000));
      await cin();
      const [child] = activeChildren();
      process.kill(child?.pid ?? 0, 'SIGSTOP');
      const values = [];
      // What it had offered before it was stopped can still be taken.
      for (let reads = 0; reads < 3; reads += 1) {
        await cin.read({ timeout: 400 }).then(
          (value) => values.push(value),
          (error: unknown) => {
            expect(error).toMatchObject({ code: 'ERR_MULTIPROC_TIMEOUT' });
          },
        );
      }
      process.kill(child?.pid ?? 0, 'SIGCONT');
      for await (const value of cin) values.push(value);
      expect(values).toHaveLength(999);
      await producer?.result;
      cin.close();
    }));

  test('poison in this process ends processes that wait', () =>
    withChannel(async (channel) => {
      const started = Parallel(Consumer(channel.reader()), ReadForEver(channel.reader()));
      const cout = channel.writer();
      await cout(1);
      await until('both to wait', () => activeChildren().length === 2);
      poison(cout);
      expect(await started).toEqual([undefined, undefined]);
      cout.close();
    }));

  test.each([
    ['a process', Maker],
    ['a thread', ThreadMaker],
  ])('ends that %s has made and returns are there for whoever started it', async (_what, factory) => {
    for (const isBlocking of [false, true]) {
      // The second one waits until the first one has been waited for.
      const made = times(2, factory());
      const results = (isBlocking ? ParallelSync(made) : await Parallel(made)) as ReturnType<typeof factory>[];
      expect(activeChildren()).toEqual([]);
      for (const { returnValue } of made) {
        const { cin, list } = returnValue as { cin: ReadEnd; list: Map<string, WriteEnd>[] };
        const cout = list[0]?.get('cout') as WriteEnd;
        const read = cin();
        await cout('still there');
        expect(await read).toBe('still there');
        retire(cout);
        await expect(cin()).rejects.toThrow(RetireError);
        retire(cin);
      }
      expect(results).toHaveLength(2);
    }
  });

  test('ends are returned to who waits for the process by other means', async () => {
    const [spawned] = Spawn(Maker());
    const [child] = activeChildren();
    expect(child?.joinSync()).toBe(0);
    const result = await spawned?.result;
    const { cin, list } = result as { cin: ReadEnd; list: Map<string, WriteEnd>[] };
    retire(list[0]?.get('cout') as WriteEnd);
    await expect(cin()).rejects.toThrow(RetireError);
    retire(cin);
  });

  test('an end that a process was given retires with it, and cannot be returned', () =>
    withChannel(async (channel) => {
      const cin = channel.reader();
      await expect(Parallel(ReturnsIt(channel.writer()))).rejects.toMatchObject({ code: 'ERR_MULTIPROC_CLOSED' });
      await expect(cin()).rejects.toThrow(RetireError);
      cin.close();
    }));

  test('an end given to a plain process counts there and here', () =>
    withChannel(async (channel) => {
      const queue = new Queue();
      const cout = channel.writer();
      queue.putSync(cout);
      const arrived = queue.getSync() as typeof cout;
      queue.close();
      const cin = channel.reader();
      retire(arrived);
      const read = cin();
      await cout('still here');
      expect(await read).toBe('still here');
      retire(cout);
      await expect(cin()).rejects.toThrow(RetireError);
      cin.close();
    }));
});
