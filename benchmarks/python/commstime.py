"""Commstime over multiprocessing.Pipe: the same four processes. A send does not wait for its receiver, which favours it."""

import json
import multiprocessing
import sys
import time


def prefix(cin, cout):
    value = 0
    while True:
        cout.send(value)
        value = cin.recv()


def delta(cin, first, second):
    while True:
        value = cin.recv()
        first.send(value)
        second.send(value)


def successor(cin, cout):
    while True:
        cout.send(cin.recv() + 1)


def main():
    spec = json.loads(sys.argv[1])
    count = spec["count"]
    warmup = count
    context = multiprocessing.get_context("fork")
    (a_in, a_out), (b_in, b_out), (c_in, c_out), (d_in, d_out) = (context.Pipe(duplex=False) for _ in range(4))
    children = [
        context.Process(target=prefix, args=(c_in, a_out), daemon=True),
        context.Process(target=delta, args=(a_in, b_out, d_out), daemon=True),
        context.Process(target=successor, args=(b_in, c_out), daemon=True),
    ]
    for child in children:
        child.start()
    start = 0
    for i in range(warmup + count):
        if i == warmup:
            start = time.monotonic_ns()
        if d_in.recv() != i:
            raise ValueError("wrong value")
    elapsed = time.monotonic_ns() - start
    for child in children:
        child.terminate()
        child.join()
    print(json.dumps({"elapsedNs": elapsed, "count": count, "metrics": {"mean": elapsed / count / 4}}))


main()
