"""The same picture with multiprocessing.Pool: two workers, line by line."""

import json
import multiprocessing
import sys
import time

MOST = 255
WORKERS = 2


def steps_at(x, y):
    re = im = 0.0
    for step in range(MOST):
        re, im = re * re - im * im + x, 2 * re * im + y
        if re * re + im * im > 4:
            return step
    return MOST


def line_of(job):
    row, width, height = job
    return bytes(steps_at(column / width * 3.5 - 2.5, row / height * 2 - 1) for column in range(width))


def main():
    width = json.loads(sys.argv[1])["count"]
    height = (width * 4 + 3) // 7
    start = time.monotonic_ns()
    with multiprocessing.get_context("fork").Pool(WORKERS) as pool:
        steps = sum(sum(line) for line in pool.imap_unordered(line_of, ((row, width, height) for row in range(height))))
    elapsed = time.monotonic_ns() - start
    print(json.dumps({"elapsedNs": elapsed, "count": width, "metrics": {"elapsed": elapsed, "steps": steps}}))


main()
