"""Python's multiprocessing.Manager at the same work as the others."""

import json
import multiprocessing
import sys
import time

WARM_UP = 1.0


def expect(actual, expected):
    if actual != expected:
        raise SystemExit("Cannot finish sample: another value came back")


def run_get(kept, queue, count):
    kept["key"] = 7
    for _ in range(count):
        expect(kept["key"], 7)


def run_set(kept, queue, count):
    for n in range(count):
        kept["key"] = n
    expect(kept["key"], count - 1)


def run_queue(kept, queue, count):
    for n in range(count):
        queue.put(n)
        expect(queue.get(), n)


def main():
    spec = json.loads(sys.argv[1])
    # Its proxies know no other way to have many calls under way than one after the other.
    run = {"get": run_get, "set": run_set, "queue": run_queue, "pipelined": run_get}[spec["work"]]
    count = spec["count"]
    with multiprocessing.Manager() as manager:
        kept = manager.dict()
        queue = manager.Queue()
        start = time.perf_counter()
        while time.perf_counter() - start < WARM_UP:
            run(kept, queue, max(1, -(-count // 10)))
        start = time.perf_counter_ns()
        run(kept, queue, count)
        elapsed = time.perf_counter_ns() - start
    print(json.dumps({"elapsedNs": elapsed, "count": count, "metrics": {"perOperation": elapsed / count}}))


if __name__ == "__main__":
    main()
