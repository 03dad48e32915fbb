"""Fixtures: a Spark session, a featuresql server on a fresh warehouse, and rows in a form that can be compared."""

import datetime
import decimal
import glob
import json
import math
import os
import pathlib
import re
import signal
import socket
import struct
import subprocess
import time

import pymysql
import pytest

BIN = os.environ["FEATURESQL_BIN"]
JARS = os.environ["FEATURESQL_JARS"]
collect_ignore = [] if "FEATURESQL_SUPERSET" in os.environ else ["test_superset.py"]


class Server:
    """A featuresql process; connect() gives PyMySQL connections to it."""

    def __init__(self, warehouse, port=0, *flags):
        self.warehouse = pathlib.Path(warehouse)
        self.log = open(self.warehouse.parent / f"server-{time.time_ns()}.log", "w+")
        self.process = subprocess.Popen(
            [BIN, "serve", "--warehouse", str(warehouse), "--listen", f"127.0.0.1:{port}", *flags],
            stderr=self.log, stdout=subprocess.DEVNULL)
        self.port = self._ready()

    def _ready(self):
        deadline = time.time() + 60
        while time.time() < deadline:
            self.log.seek(0)
            m = re.search(r"ready, listening on [^ ]*:(\d+)", self.log.read())
            if m:
                return int(m.group(1))
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        self.log.seek(0)
        raise RuntimeError("featuresql did not start: " + self.log.read())

    def connect(self, database="default", **options):
        return pymysql.connect(host="127.0.0.1", port=self.port, user="root", database=database, autocommit=True, **options)

    def rows(self, sql, args=None, database="default"):
        c = self.connect(database)
        try:
            with c.cursor() as cur:
                cur.execute(sql, args)
                return cur.fetchall()
        finally:
            c.close()

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.log.close()


@pytest.fixture(scope="session")
def warehouse(tmp_path_factory):
    w = tmp_path_factory.mktemp("interop") / "warehouse"
    w.mkdir()
    return w


@pytest.fixture(scope="session")
def server(warehouse):
    s = Server(warehouse)
    yield s
    s.stop()


@pytest.fixture(scope="session")
def spark():
    from pyspark.sql import SparkSession
    jars = [j for j in glob.glob(JARS + "/*.jar") if re.match(r"(delta|unitycatalog|mysql)-", os.path.basename(j))]
    s = (SparkSession.builder.master("local[2]").appName("interop")
         .config("spark.jars", ",".join(jars))
         .config("spark.sql.extensions", "io.delta.sql.DeltaSparkSessionExtension")
         .config("spark.sql.catalog.spark_catalog", "org.apache.spark.sql.delta.catalog.DeltaCatalog")
         .config("spark.databricks.delta.snapshotPartitions", "2")
         .config("spark.sql.shuffle.partitions", "2")
         .config("spark.driver.host", "127.0.0.1").config("spark.driver.bindAddress", "127.0.0.1")
         .config("spark.ui.enabled", "false").config("spark.ui.showConsoleProgress", "false")
         .config("spark.driver.memory", "2g")
         .config("spark.sql.session.timeZone", "UTC")
         .getOrCreate())
    s.sparkContext.setLogLevel("ERROR")
    yield s
    s.stop()


def plain(v):
    """A value in a form that is equal exactly if the values are: floats by their bits, times without a zone."""
    if v is None or isinstance(v, (str, int)) and not isinstance(v, bool):
        return v
    if isinstance(v, bool):
        return int(v)
    if isinstance(v, float):
        return "NaN" if math.isnan(v) else float(v) + 0.0
    if isinstance(v, decimal.Decimal):
        return f"{v:f}"
    if isinstance(v, (bytes, bytearray)):
        return bytes(v).hex()
    if isinstance(v, datetime.datetime):
        if v.tzinfo is not None:
            v = v.astimezone(datetime.timezone.utc).replace(tzinfo=None)
        return v.isoformat(sep=" ", timespec="microseconds")
    if isinstance(v, datetime.date):
        return v.isoformat()
    if hasattr(v, "asDict"):
        return {k: plain(x) for k, x in v.asDict(recursive=False).items()}
    if isinstance(v, dict):
        return {str(plain(k)): plain(x) for k, x in v.items()}
    if isinstance(v, (list, tuple)):
        return [plain(x) for x in v]
    return str(v)


def key(row):
    return json.dumps(row, sort_keys=True, default=str)


def normal(rows):
    """Rows in an order that does not depend on the engine."""
    return sorted(([plain(v) for v in r] for r in rows), key=key)


def spark_rows(df):
    """Rows of a Spark frame with everything that Python cannot carry exactly as text: see sql_columns for the counterpart."""
    from pyspark.sql import functions as F, types as T
    cols = []
    for f in df.schema.fields:
        c = F.col("`" + f.name.replace("`", "``") + "`")
        t = f.dataType
        if isinstance(t, (T.StructType, T.ArrayType, T.MapType)):
            c = F.to_json(c, {"ignoreNullFields": "false", "timestampFormat": "yyyy-MM-dd'T'HH:mm:ss.SSSSSS", "timestampNTZFormat": "yyyy-MM-dd'T'HH:mm:ss.SSSSSS"})
        elif isinstance(t, (T.TimestampType, T.TimestampNTZType)):
            c = F.date_format(c, "yyyy-MM-dd HH:mm:ss.SSSSSS")
        elif isinstance(t, T.DateType):
            c = F.date_format(c, "yyyy-MM-dd")
        cols.append(c.alias(f.name))
    out = []
    for r in df.select(*cols).collect():
        row = []
        for f, v in zip(df.schema.fields, r):
            if isinstance(f.dataType, (T.StructType, T.ArrayType, T.MapType)) and v is not None:
                v = nested(json.loads(v))
            row.append(plain(v))
        out.append(row)
    return sorted(out, key=key)


def nested(v):
    """Nested values as JSON, floats that are whole as integers, so that 1.0 and 1 are the same."""
    if isinstance(v, dict):
        return {k: nested(x) for k, x in v.items()}
    if isinstance(v, list):
        return [nested(x) for x in v]
    if isinstance(v, float) and v == int(v):
        return int(v)
    return v


def featuresql_rows(server, table, version=None, database="default"):
    """Rows of SELECT *, with times as text and nested columns parsed."""
    c = server.connect(database, conv={})
    try:
        with c.cursor() as cur:
            at = "" if version is None else f" AS OF VERSION {version}"
            cur.execute(f"SELECT * FROM {table}{at}")
            types = [d[1] for d in cur.description]
            rows = cur.fetchall()
    finally:
        c.close()
    out = []
    for r in rows:
        out.append([decode(v, t) for v, t in zip(r, types)])
    return sorted(out, key=key)


FIELD = pymysql.constants.FIELD_TYPE


def decode(v, t):
    if v is None:
        return None
    if isinstance(v, str) and t in (FIELD.TINY, FIELD.SHORT, FIELD.LONG, FIELD.LONGLONG, FIELD.INT24):
        return int(v)
    if t == FIELD.FLOAT:  # sent with as many digits as a 32-bit float needs
        return plain(struct.unpack("f", struct.pack("f", float(v)))[0])
    if t == FIELD.DOUBLE:
        return plain(float(v))
    if t in (FIELD.TIMESTAMP, FIELD.DATETIME):
        v = v if "." in v else v + ".000000"
        return v + "0" * (26 - len(v))
    if t == FIELD.JSON:
        return nested(json.loads(v))
    if isinstance(v, bytes):
        return v.hex() if t in (FIELD.BLOB, FIELD.LONG_BLOB, FIELD.TINY_BLOB, FIELD.MEDIUM_BLOB) else v.decode()
    return v


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def delta_retry(f):
    """Runs f again while Delta reports that another writer was faster."""
    while True:
        try:
            return f()
        except Exception as e:  # noqa: BLE001 - Py4J wraps Delta's exceptions
            if "Concurrent" not in str(e) and "DELTA_CONCURRENT" not in str(e):
                raise
