"""Python's multiprocessing.Queue and SimpleQueue: P producer and C consumer processes on one queue."""

import json
import multiprocessing
import sys
import time

from payload import Source, Tally, verify


def produce(spec, index, queue, ready, go, results):
    source = Source(spec, index)
    ready.release()
    go.wait()
    first = time.monotonic_ns()
    if spec["batch"] > 1:
        left = spec["count"]
        while left > 0:
            size = min(spec["batch"], left)
            queue.put([source.next() for _ in range(size)])
            left -= size
    else:
        for _ in range(spec["count"]):
            queue.put(source.next())
    if hasattr(queue, "join_thread"):
        # Queue hands items to a feeder thread; "sent" means that they have left it.
        queue.close()
        queue.join_thread()
    results.put({"first": first})


def consume(spec, queue, ready, go, results):
    tally = Tally(spec)
    ready.release()
    go.wait()
    more = True
    while more:
        message = queue.get()
        if spec["batch"] > 1:
            for one in message:
                more = tally.take(one)
        else:
            more = tally.take(message)
    results.put({"last": time.monotonic_ns(), "counts": tally.counts, "sums": tally.sums})


def main():
    spec = json.loads(sys.argv[1])
    context = multiprocessing.get_context("fork")
    queue = context.SimpleQueue() if spec["style"] == "SimpleQueue" else context.Queue()
    ready = context.Semaphore(0)
    go = context.Event()
    sent = context.SimpleQueue()
    received = context.SimpleQueue()
    processes = [
        context.Process(target=consume, args=(spec, queue, ready, go, received), daemon=True)
        for _ in range(spec["consumers"])
    ]
    processes += [
        context.Process(target=produce, args=(spec, index, queue, ready, go, sent), daemon=True)
        for index in range(spec["producers"])
    ]
    for process in processes:
        process.start()
    for _ in processes:
        ready.acquire()
    go.set()
    first = min(sent.get()["first"] for _ in range(spec["producers"]))
    if spec["consumers"] > 1:
        end = Source(spec, 0).end()
        for _ in range(spec["consumers"]):
            queue.put(end)
    reports = [received.get() for _ in range(spec["consumers"])]
    for process in processes:
        process.join()
        if process.exitcode != 0:
            raise SystemExit(f"Cannot finish sample: a participant ended with {process.exitcode}")
    verify(spec, reports)
    elapsed = max(report["last"] for report in reports) - first
    messages = spec["producers"] * spec["count"]
    metrics = {"rate": messages * 1e9 / elapsed, "bandwidth": messages * spec["size"] * 1e9 / elapsed}
    print(json.dumps({"elapsedNs": elapsed, "count": spec["count"], "metrics": metrics}))


main()
