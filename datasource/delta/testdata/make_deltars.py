"""Writes testdata/deltars: logs of tables made by delta-rs (deltalake 1.6.6), without their data files.

    pip install deltalake==1.6.6 pyarrow && python make_deltars.py

types: every type, partitioned by a column with special characters; four versions, a checkpoint at 2.
checkpointed: ten appends and a delete, checkpoint at 9, and the commits before it cleaned up.
"""

import datetime as dt
import decimal
import glob
import os
import shutil

import pyarrow as pa
from deltalake import DeltaTable, write_deltalake

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "deltars")
shutil.rmtree(ROOT, ignore_errors=True)


def keep_log_only(table):
    for path in glob.glob(os.path.join(table, "*")):
        if os.path.basename(path) != "_delta_log":
            shutil.rmtree(path) if os.path.isdir(path) else os.remove(path)


def types(start):
    n = 10
    ids = range(start, start + n)
    utc = dt.timezone.utc
    return pa.table({
        "id": pa.array(ids, pa.int64()),
        "i16": pa.array([i if i % 3 else None for i in ids], pa.int16()),
        "f32": pa.array([i / 10 for i in ids], pa.float32()),
        "f64": pa.array([float("nan") if i == 3 else i / 10 for i in ids], pa.float64()),
        "s": pa.array(["x" * (i * 4) + "é" for i in ids]),
        "dec": pa.array([decimal.Decimal(12345678901234567 + i).scaleb(-2) for i in ids], pa.decimal128(20, 2)),
        "day": pa.array([dt.date(1960, 1, 1) + dt.timedelta(days=1000 * i) for i in ids]),
        "ts": pa.array([dt.datetime(2020, 1, 1, tzinfo=utc) + dt.timedelta(microseconds=123457 * i) for i in ids], pa.timestamp("us", "UTC")),
        "ntz": pa.array([dt.datetime(2020, 1, 1) + dt.timedelta(microseconds=123457 * i) for i in ids], pa.timestamp("us")),
        "b": pa.array([i % 2 == 0 for i in ids]),
        "bin": pa.array([bytes([i % 256]) for i in ids]),
        "st": pa.array([{"id": -i} for i in ids]),
        "p": pa.array([["a b", "c%d", "é/ü=", None, "x+y"][i % 5] for i in ids]),
    })


table = os.path.join(ROOT, "types")
for k in range(3):
    write_deltalake(table, types(k * 10), mode="append", partition_by=["p"])
DeltaTable(table).create_checkpoint()
DeltaTable(table).delete("id < 5")
keep_log_only(table)

table = os.path.join(ROOT, "checkpointed")
for k in range(10):
    write_deltalake(table, pa.table({"a": pa.array([k], pa.int32())}), mode="append",
                    configuration={"delta.logRetentionDuration": "interval 0 days"} if k == 0 else None)
DeltaTable(table).create_checkpoint()
for path in sorted(glob.glob(os.path.join(table, "_delta_log", "*.json")))[:9]:
    os.remove(path)
DeltaTable(table).delete("a = 4")
keep_log_only(table)
