"""pandas' to_sql and read_sql: every dtype that MySQL has a type for comes back as the same values, and to_sql's own defaults work."""

import datetime
import warnings

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

STAMPS = pd.to_datetime(["2026-01-01 01:02:03.456789", "1969-12-31", None], format="ISO8601")
COLUMNS = {
    "int8": np.array([1, -2, 127], dtype="int8"), "int16": np.array([1, -2, 3], dtype="int16"), "int32": np.array([1, -2, 3], dtype="int32"),
    "int64": np.array([1, -2, 2**62]), "uint8": np.array([1, 2, 255], dtype="uint8"), "uint16": np.array([1, 2, 65535], dtype="uint16"),
    "uint32": np.array([1, 2, 2**32 - 1], dtype="uint32"), "float32": np.array([1.5, np.nan, -0.25], dtype="float32"),
    "float64": np.array([1.5, np.nan, 1e300]), "bool": [True, False, True], "nullable bool": pd.array([True, None, False], dtype="boolean"),
    "nullable int": pd.array([1, None, 3], dtype="Int64"), "text": ["a", None, "ü😀"], "string": pd.array(["x", None, "q'\\"], dtype="string"),
    "category": pd.Categorical(["x", "y", "x"]), "time": STAMPS, "time with a zone": STAMPS.tz_localize("UTC"),
    "date": [datetime.date(2026, 1, 1), None, datetime.date(1970, 1, 1)],
}


@pytest.fixture(scope="module")
def engine(server):
    server.rows("CREATE DATABASE pandas")
    e = sa.create_engine(f"mysql+pymysql://root@127.0.0.1:{server.port}/pandas")
    yield e
    e.dispose()


def plain(values):
    out = []
    for v in values:
        if v is None or v is pd.NA or v is pd.NaT or isinstance(v, float) and np.isnan(v):
            out.append(None)
        elif isinstance(v, pd.Timestamp):
            out.append(v.tz_localize(None))
        else:
            out.append(v)
    return out


@pytest.mark.parametrize("name", COLUMNS)
def test_dtype(engine, name):
    frame = pd.DataFrame({name: COLUMNS[name]})
    frame.to_sql("one", engine, index=False, if_exists="replace")
    back = pd.read_sql_query("SELECT * FROM one", engine)
    assert list(back.columns) == [name] and plain(back[name]) == plain(frame[name])


def test_defaults(engine):
    """to_sql with an index, for which it asks for an index of the table; rows by chunks, appended; read_sql_table reflects."""
    frame = pd.DataFrame({"n": [1, 2, 3], "s": ["a", None, "c"], "at": STAMPS})
    frame.to_sql("many", engine, if_exists="replace")
    frame.to_sql("many", engine, if_exists="append", method="multi", chunksize=2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        back = pd.read_sql_table("many", engine, index_col="index")
    assert plain(back["n"]) == [1, 2, 3, 1, 2, 3] and plain(back["at"]) == plain(STAMPS) * 2 and list(back.index) == [0, 1, 2, 0, 1, 2]


def test_bytes_are_no_text(engine):
    """pandas makes a column of text for bytes. What is no UTF-8 is refused: no engine could read it."""
    with pytest.raises(sa.exc.DBAPIError, match="1366.*Incorrect string value"):
        pd.DataFrame({"b": [b"\x00\xff"]}).to_sql("bytes", engine, index=False, if_exists="replace")
    frame = pd.DataFrame({"b": [b"\x00\xff", None, b""]})
    frame.to_sql("bytes", engine, index=False, if_exists="replace", dtype={"b": sa.LargeBinary})
    assert plain(pd.read_sql_query("SELECT * FROM bytes", engine)["b"]) == [b"\x00\xff", None, b""]
