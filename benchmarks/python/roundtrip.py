"""One message there and one back between two Python processes over multiprocessing.Pipe or a pair of Queues."""

import json
import multiprocessing
import sys
import time

from payload import Source, Tally

END = b""


def echo(receive, send):
    while True:
        message = receive()
        if message == END:
            return
        send(message)


def main():
    spec = json.loads(sys.argv[1])
    context = multiprocessing.get_context("fork")
    if spec["style"] == "Pipe":
        here, there = context.Pipe()
        send, receive, far_receive, far_send = here.send, here.recv, there.recv, there.send
    else:
        request, response = context.Queue(), context.Queue()
        send, receive, far_receive, far_send = request.put, response.get, request.get, response.put
    child = context.Process(target=echo, args=(far_receive, far_send), daemon=True)
    child.start()
    source = Source(spec, 0)
    tally = Tally(spec)
    pause = spec["pause"] / 1000
    times = []
    for _ in range(spec["warmup"]):
        send(b"warm")
        receive()
    for _ in range(spec["count"]):
        if pause:
            time.sleep(pause)
        message = source.next()
        start = time.monotonic_ns()
        send(message)
        answer = receive()
        times.append(time.monotonic_ns() - start)
        tally.take(answer)
    send(END)
    child.join()
    elapsed = sum(times)
    times.sort()
    metrics = {
        "median": times[len(times) // 2],
        "p99": times[min(len(times) - 1, len(times) * 99 // 100)],
        "mean": elapsed / len(times),
    }
    print(json.dumps({"elapsedNs": elapsed, "count": spec["count"], "metrics": metrics}))


main()
