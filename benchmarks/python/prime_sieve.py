"""The sieve with a process per prime, over multiprocessing.Pipe. A send does not wait for its receiver, which favours it."""

import json
import multiprocessing
import os
import signal
import sys
import time

context = multiprocessing.get_context("fork")


def numbers(cout):
    n = 2
    while True:
        cout.send(n)
        n += 1


def sieve(cin, found, left):
    prime = cin.recv()
    found.send(prime)
    if left == 1:
        return
    rest, cout = context.Pipe(duplex=False)
    context.Process(target=sieve, args=(rest, found, left - 1)).start()
    while True:
        n = cin.recv()
        if n % prime != 0:
            cout.send(n)


def is_prime(n):
    return all(n % divisor for divisor in range(2, int(n**0.5) + 1))


def main():
    count = json.loads(sys.argv[1])["count"]
    if os.getpgrp() != os.getpid():
        os.setpgid(0, 0)
    start = time.monotonic_ns()
    cin, cout = context.Pipe(duplex=False)
    primes, found = context.Pipe(duplex=False)
    children = [
        context.Process(target=sieve, args=(cin, found, count)),
        context.Process(target=numbers, args=(cout,)),
    ]
    for child in children:
        child.start()
    wanted = 2
    for _ in range(count):
        while not is_prime(wanted):
            wanted += 1
        if primes.recv() != wanted:
            raise ValueError("wrong prime")
        wanted += 1
    elapsed = time.monotonic_ns() - start
    # Every child has inherited ends of the pipes before its own, so none of them ever sees an end of file.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.killpg(0, signal.SIGTERM)
    for child in children:
        child.join()
    print(json.dumps({"elapsedNs": elapsed, "count": count, "metrics": {"elapsed": elapsed}}))


main()
