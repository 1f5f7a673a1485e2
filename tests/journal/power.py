#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""power.py LOG IMAGE SINK CUTS OUT: a disk as the loss of power would have left it.

LOG is what a guest wrote to a disk that began as IMAGE (dm-log-writes, as QEMU's
blklogwrites makes it). At CUTS random points of it, OUT/N.img is that disk and OUT/N.alerts
what had reached the sink by then, which is the sectors from byte SINK on; all of the guest
before the point and nothing after it. A disk keeps what was flushed; of what was written
since, each even cut keeps everything, each odd one each sector with even chance. The name
of the next cut is printed, and a line on standard input waited for before it is made.
OUT/unflushed.img is for a test of the test: the last cut as of a disk that lied when it was
flushed, and lost the last half of all that was written.
"""
import os
import random
import shutil
import struct
import sys

MAGIC = 0x6A736677736872
FLUSH, FUA, DISCARD = 1, 2, 4


def entries(log):
    with open(log, "rb") as file:
        magic, version, count, sector = struct.unpack("<QQQI", file.read(28))
        if magic != MAGIC or version != 1:
            sys.exit(f"{log}: no log of writes")
        file.seek(sector)
        for _ in range(count):
            at, sectors, flags, _ = struct.unpack("<QQQQ", file.read(sector)[:32])
            # A discard has no data, and need not do anything.
            data = b"" if flags & DISCARD else file.read(sectors * sector)
            yield at * sector, data, flags


def apply(image, writes):
    for at, data in writes:
        image.seek(at)
        image.write(data)


def lossy(writes, rng):
    for at, data in writes:
        for i in range(0, len(data), 512):
            if rng.random() < 0.5:
                yield at + i, data[i : i + 512]


def main():
    log, image, sink, cuts, out = sys.argv[1:6]
    sink, cuts = int(sink), int(cuts)
    rng = random.Random(int(os.environ.get("CRASH_SEED", "1")))
    writes = list(entries(log))
    alerts, started = 0, 0
    for i, (at, data, _) in enumerate(writes):
        if data and at >= sink:
            alerts += 1
            started = started or i
    if not alerts:
        sys.exit("no alert left the guest")
    # From before the first alert on: the journal is being made there.
    points = sorted(rng.sample(range(started // 2, len(writes)), cuts))
    print(f"{len(writes)} writes and flushes, {alerts} alerts", flush=True)
    stable = os.path.join(out, "stable")
    shutil.copy(image, stable)
    pending, told, done = [], [], 0
    with open(stable, "r+b") as disk:
        for cut, point in enumerate(points):
            for at, data, flags in writes[done:point]:
                if data and at >= sink:
                    told.append(data.split(b"\0")[0])
                    continue
                if flags & FLUSH:  # all that was written before is on the disk
                    apply(disk, pending)
                    pending = []
                if data:
                    pending.append((at, data))
                if flags & FUA:
                    apply(disk, pending[-1:])
            done = point
            disk.flush()
            name = os.path.join(out, f"{cut}")
            shutil.copy(stable, name + ".img")
            with open(name + ".img", "r+b") as copy:
                apply(copy, lossy(pending, rng) if cut % 2 else pending)
            with open(name + ".alerts", "wb") as file:
                file.writelines(told)
            print(cut, flush=True)
            if not sys.stdin.readline():
                return
    shutil.copy(image, os.path.join(out, "unflushed.img"))
    with open(os.path.join(out, "unflushed.img"), "r+b") as disk:
        apply(disk, [(at, data) for at, data, _ in writes[: done // 2] if at < sink])
    print("unflushed", flush=True)
    sys.stdin.readline()


main()
