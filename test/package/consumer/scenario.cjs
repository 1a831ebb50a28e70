'use strict';
// Two processes share two queues, a counter and its lock. The same file is parent and child.

const assert = require('node:assert');
const { fork } = require('node:child_process');
const { once } = require('node:events');

const MESSAGES = 100;

module.exports = async function scenario(multiproc, program) {
  const watchdog = setTimeout(() => {
    console.error(`${program}: not finished after 30 s`);
    process.exit(1);
  }, 30_000);
  await (process.send ? child(multiproc) : parent(multiproc, program));
  clearTimeout(watchdog);
};

async function parent({ Lock, Queue, Value }, program) {
  const tasks = new Queue();
  const answers = new Queue();
  const lock = new Lock();
  const total = new Value('int32', 0, { lock });
  const process = fork(program);
  const ended = once(process, 'exit');
  process.send({ tasks, answers, total, lock });
  for (let number = 0; number < MESSAGES; number++) await tasks.put({ number, text: `task ${number}` });
  for (let number = 0; number < MESSAGES; number++) {
    assert.deepStrictEqual(await answers.get(), { number, length: `task ${number}`.length });
  }
  assert.deepStrictEqual(await ended, [0, null]);
  assert.strictEqual(total.value, (MESSAGES * (MESSAGES - 1)) / 2);
  for (const object of [tasks, answers, total, lock]) object.close();
}

async function child({ attach }) {
  const [message] = await once(process, 'message');
  const [tasks, answers, total, lock] = ['tasks', 'answers', 'total', 'lock'].map((name) => attach(message[name]));
  for (let done = 0; done < MESSAGES; done++) {
    const { number, text } = await tasks.get();
    await lock.run(() => {
      total.value += number;
    });
    await answers.put({ number, length: text.length });
  }
  for (const object of [tasks, answers, total, lock]) object.close();
  process.disconnect();
}
