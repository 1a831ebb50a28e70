"""Python's multiprocessing.Pool at the same work as the others."""

import json
import multiprocessing
import sys
import time

WORKERS = 2
LONGEST_LIST = 1_000_000
BUFFER = 32 * 1024 * 1024
WARM_UP = 1.0


def square(x):
    return x * x


def echo(value):
    return value


def sum_of_squares(count):
    return (count - 1) * count * (2 * count - 1) // 6


def run_map(pool, count):
    times = []
    left = count
    while left > 0:
        items = list(range(min(left, LONGEST_LIST)))
        start = time.perf_counter_ns()
        values = pool.map(square, items)
        times.append(time.perf_counter_ns() - start)
        if sum(values) != sum_of_squares(len(items)):
            raise SystemExit("Cannot finish sample: wrong sum")
        left -= LONGEST_LIST
    return times


def run_tiny(pool, count):
    items = [index % 1000 for index in range(count)]
    start = time.perf_counter_ns()
    total = 0
    for value in pool.imap_unordered(square, items, chunksize=1):
        total += value
    elapsed = time.perf_counter_ns() - start
    if total != count // 1000 * sum_of_squares(1000) + sum_of_squares(count % 1000):
        raise SystemExit("Cannot finish sample: wrong sum")
    return [elapsed]


def run_apply(pool, count):
    times = []
    for index in range(count):
        start = time.perf_counter_ns()
        value = pool.apply(echo, (index,))
        times.append(time.perf_counter_ns() - start)
        if value != index:
            raise SystemExit("Cannot finish sample: another value came back")
    return times


def run_buffer(pool, count):
    times = []
    for index in range(count):
        data = bytes(BUFFER - 4) + (index + 1).to_bytes(4, "little")
        start = time.perf_counter_ns()
        value = pool.apply(echo, (data,))
        times.append(time.perf_counter_ns() - start)
        if len(value) != BUFFER or value[-4:] != data[-4:]:
            raise SystemExit("Cannot finish sample: other bytes came back")
    return times


def main():
    spec = json.loads(sys.argv[1])
    run = {"map": run_map, "tiny": run_tiny, "apply": run_apply, "buffer": run_buffer}[spec["work"]]
    count = spec["count"]
    with multiprocessing.get_context("fork").Pool(WORKERS) as pool:
        pool.map(echo, range(8 * WORKERS), chunksize=1)
        start = time.perf_counter()
        while time.perf_counter() - start < WARM_UP:
            run(pool, max(1, -(-count // 10)))
        times = sorted(run(pool, count))
    elapsed = sum(times)
    metrics = {"rate": count * 1e9 / elapsed, "median": times[len(times) // 2]}
    print(json.dumps({"elapsedNs": elapsed, "count": count, "metrics": metrics}))


if __name__ == "__main__":
    main()
