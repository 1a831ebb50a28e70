"""Cost of one operation of Python's multiprocessing objects, in one process."""

import json
import multiprocessing
import sys
import time


def lock(context):
    held = context.Lock()

    def run(count):
        acquire, release = held.acquire, held.release
        for _ in range(count):
            acquire()
            release()

    return run


def value_read(context):
    shared = context.Value("i", 7)

    def run(count):
        total = 0
        for _ in range(count):
            total += shared.value
        if total != 7 * count:
            raise SystemExit("Cannot finish sample: wrong total")

    return run


def value_add(context):
    shared = context.Value("i", 0)

    def run(count):
        shared.value = 0
        for _ in range(count):
            with shared.get_lock():
                shared.value += 1
        if shared.value != count:
            raise SystemExit("Cannot finish sample: wrong total")

    return run


def array_read(context):
    shared = context.Array("i", range(1024))

    def run(count):
        total = 0
        for index in range(count):
            total += shared[index & 1023]
        if count and total == 0:
            raise SystemExit("Cannot finish sample: wrong total")

    return run


def make_lock(context):
    def run(count):
        for _ in range(count):
            context.Lock()

    return run


def make_queue(context):
    def run(count):
        for _ in range(count):
            context.Queue().close()

    return run


OPERATIONS = {
    "lock": lock,
    "value-read": value_read,
    "value-add": value_add,
    "array-read": array_read,
    "make-lock": make_lock,
    "make-queue": make_queue,
}


def main():
    spec = json.loads(sys.argv[1])
    run = OPERATIONS[spec["operation"]](multiprocessing.get_context("fork"))
    run(max(1, spec["count"] // 10))
    start = time.monotonic_ns()
    run(spec["count"])
    elapsed = time.monotonic_ns() - start
    print(json.dumps({"elapsedNs": elapsed, "count": spec["count"], "metrics": {"perOperation": elapsed / spec["count"]}}))


main()
