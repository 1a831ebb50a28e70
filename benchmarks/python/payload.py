"""The messages of harness/payload.mjs, made and checked in Python."""

import struct

END = 0xFFFFFFFF
PAGE = 4096
FILLER_CHECK_INTERVAL = 64
EPOCH = 1_700_000_000_000

_HEAD = struct.Struct("<II")
_WORD = struct.Struct("<I")


def check_word(producer, sequence):
    mixed = (sequence ^ (producer * 0x9E3779B1)) & 0xFFFFFFFF
    return (mixed * 0x85EBCA6B) & 0xFFFFFFFF


def make_item(number):
    return {
        "id": number,
        "name": f"item-{number}",
        "tags": ["red", "green", "blue"],
        "nested": {"x": number ^ 0x5555, "y": 2.5, "ok": True},
        "ts": EPOCH + number,
    }


class Source:
    """Makes one producer's messages in order."""

    def __init__(self, spec, producer):
        self._kind = spec["kind"]
        self._size = spec["size"]
        self._producer = producer
        self._next = 0
        self._template = bytearray((i * 31 + 7) & 0xFF for i in range(self._size))

    def next(self):
        sequence = self._next
        self._next += 1
        if self._kind == "object":
            return make_item(sequence)
        return self._stamp(self._producer, sequence)

    def end(self):
        return self._stamp(END, 0)

    def _stamp(self, producer, sequence):
        check = check_word(producer, sequence)
        for at in range(PAGE, self._size - 4, PAGE):
            _WORD.pack_into(self._template, at, check)
        _HEAD.pack_into(self._template, 0, producer, sequence)
        _WORD.pack_into(self._template, self._size - 4, check)
        return bytes(self._template)


class Tally:
    """Checks and counts what one consumer receives."""

    def __init__(self, spec):
        self._kind = spec["kind"]
        self._size = spec["size"]
        self._filler = bytes((i * 31 + 7) & 0xFF for i in range(self._size))
        producers = spec["producers"]
        self._left = producers * spec["count"] if spec["consumers"] == 1 else -1
        self.counts = [0] * producers
        self.sums = [0] * producers
        self._latest = [-1] * producers

    def take(self, message):
        """Checks one message; False when it was the last one for this consumer."""
        if self._kind == "object":
            return self._take_item(message)
        size = self._size
        if len(message) != size:
            raise ValueError(f"Cannot accept message: {len(message)} bytes, not {size}")
        producer, sequence = _HEAD.unpack_from(message, 0)
        check = check_word(producer, sequence)
        if _WORD.unpack_from(message, size - 4)[0] != check:
            raise ValueError(f"Cannot accept message: {sequence} of producer {producer} is torn")
        for at in range(PAGE, size - 4, PAGE):
            if _WORD.unpack_from(message, at)[0] != check:
                raise ValueError(f"Cannot accept message: {sequence} of producer {producer} is torn at byte {at}")
        if producer == END:
            return False
        if sequence % FILLER_CHECK_INTERVAL == 0:
            stop = min(size - 4, PAGE)
            if message[8:stop] != self._filler[8:stop]:
                raise ValueError(f"Cannot accept message: {sequence} of producer {producer} is torn")
        return self._record(producer, sequence)

    def _take_item(self, item):
        number = item["id"]
        if number % FILLER_CHECK_INTERVAL == 0 and item != make_item(number):
            raise ValueError(f"Cannot accept message: item {number} arrived changed: {item}")
        if item["nested"]["x"] != number ^ 0x5555 or item["ts"] != EPOCH + number or len(item["tags"]) != 3:
            raise ValueError(f"Cannot accept message: item {number} arrived changed: {item}")
        return self._record(0, number)

    def _record(self, producer, sequence):
        if sequence <= self._latest[producer]:
            raise ValueError(f"Cannot accept message: {sequence} of producer {producer} came too late")
        self._latest[producer] = sequence
        self.counts[producer] += 1
        self.sums[producer] += sequence
        self._left -= 1
        return self._left != 0


def verify(spec, reports):
    """Raises unless every message of every producer arrived exactly once."""
    count = spec["count"]
    for producer in range(spec["producers"]):
        arrived = sum(report["counts"][producer] for report in reports)
        total = sum(report["sums"][producer] for report in reports)
        if arrived != count or total != count * (count - 1) // 2:
            raise ValueError(f"Cannot accept sample: producer {producer} sent {count} messages, {arrived} arrived")
