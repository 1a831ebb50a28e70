"""A process that waits for a message on a multiprocessing.Queue; the parent reads its CPU time meanwhile."""

import json
import multiprocessing
import os
import sys
import time


def cpu_ns(pid):
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/schedstat") as file:
            total += int(file.read().split()[0])
    return total


def wait(queue, ready):
    ready.release()
    queue.get()


def main():
    spec = json.loads(sys.argv[1])
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    ready = context.Semaphore(0)
    child = context.Process(target=wait, args=(queue, ready), daemon=True)
    child.start()
    ready.acquire()
    time.sleep(spec["settle"] / 1000)
    start, used = time.monotonic_ns(), cpu_ns(child.pid)
    time.sleep(spec["count"] / 1000)
    used = cpu_ns(child.pid) - used
    elapsed = time.monotonic_ns() - start
    queue.put(1)
    child.join()
    print(json.dumps({"elapsedNs": elapsed, "count": spec["count"], "metrics": {"cpu": 100 * used / elapsed}}))


main()
