"""The mysql command, PyMySQL and Connector/J: connect, look around, travel in time, MERGE, transactions, every type."""

import datetime
import decimal
import os
import pathlib
import subprocess

import pymysql
import pytest

HERE = pathlib.Path(__file__).parent
JARS = os.environ["FEATURESQL_JARS"]


def mysql(server, sql, *options):
    out = subprocess.run(["mariadb", "-h", "127.0.0.1", "-P", str(server.port), "-u", "root", "--batch", *options, "-e", sql],
                         capture_output=True, text=True, timeout=60)
    assert out.returncode == 0, out.stderr
    return out.stdout


@pytest.mark.parametrize("tls", [["--skip-ssl"], ["--ssl"]])
def test_mysql_command(server, tls):
    out = mysql(server, """
        DROP DATABASE IF EXISTS cli; CREATE DATABASE cli; USE cli;
        CREATE TABLE a (id BIGINT PRIMARY KEY, v STRING);
        INSERT INTO a VALUES (1, 'one'), (2, NULL);
        MERGE INTO a AS t USING (SELECT 2 AS id, 'two' AS v UNION ALL SELECT 3, 'three') AS s ON t.id = s.id
          WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *;
        SHOW TABLES;
        SELECT * FROM a AS OF VERSION 1 ORDER BY id;
        PREPARE p FROM 'SELECT count(*) FROM a AS OF VERSION ?';
        SET @v = 2; EXECUTE p USING @v;
        BEGIN; DELETE FROM a; ROLLBACK;
        BEGIN; DELETE FROM a WHERE id = 1; COMMIT;
        SELECT id, v FROM a ORDER BY id;""", *tls)
    assert out.split("\n")[:-1] == ["Tables_in_cli", "a", "id\tv", "1\tone", "2\tNULL", "count(*)", "3", "id\tv", "2\ttwo", "3\tthree"]
    assert "cli" in mysql(server, "SHOW DATABASES", *tls)
    assert "featuresql" in mysql(server, "SELECT version()", *tls).lower()


def test_pymysql(server):
    server.rows("CREATE DATABASE IF NOT EXISTS pym")
    c = server.connect("pym")
    with c.cursor() as cur:
        cur.execute("DROP TABLE IF EXISTS a")
        cur.execute("CREATE TABLE a (id BIGINT, f DOUBLE, d DECIMAL(30,6), s STRING, day DATE, at DATETIME(6), ts TIMESTAMP(6), b BOOLEAN, bin BINARY)")
        row = (1, 0.1, decimal.Decimal("123456789012345678901234.123456"), "ÿ😀'\"\\", datetime.date(2026, 1, 2),
               datetime.datetime(2026, 1, 2, 3, 4, 5, 678901), datetime.datetime(2026, 1, 2, 3, 4, 5, 1), 1, b"\x00\xff")
        assert cur.execute("INSERT INTO a VALUES (%s,%s,%s,%s,%s,%s,%s,%s,%s)", row) == 1
        cur.execute("SELECT * FROM a")
        assert cur.fetchall() == (row,)
        cur.execute("SELECT count(*) FROM a AS OF VERSION %s", (0,))
        assert cur.fetchall() == ((0,),)
        assert cur.execute("MERGE INTO a t USING (SELECT 1 AS id, 9.5 AS f) s ON t.id = s.id WHEN MATCHED THEN UPDATE SET f = s.f") == 1
        cur.execute("SHOW DATABASES")
        assert ("pym",) in cur.fetchall()
    c.autocommit(False)
    with c.cursor() as cur:
        cur.execute("UPDATE a SET f = 1")
        c.rollback()
        cur.execute("SELECT f FROM a")
        assert cur.fetchall() == ((9.5,),)
        cur.execute("UPDATE a SET f = 2")
        c.commit()
    c.close()
    assert server.rows("SELECT f FROM a", database="pym") == ((2.0,),)


def test_errors(server):
    """Each error has MySQL's code and names the thing."""
    server.rows("CREATE DATABASE IF NOT EXISTS pym")
    server.rows("CREATE TABLE IF NOT EXISTS e (id INT NOT NULL, v STRING)", database="pym")
    for sql, code, word in [
        ("SELECT * FROM nothing", 1146, "nothing"), ("SELECT nope FROM e", 1054, "nope"), ("SELEKT 1", 1064, "SELEKT"),
        ("SELECT * FROM e AS OF VERSION 99", 1105, "99"), ("INSERT INTO e VALUES (NULL, 'x')", 1048, "id"), ("USE missing", 1049, "missing"),
        ("CREATE TABLE e (id INT)", 1050, "e"), ("INSERT INTO e VALUES (1)", 1136, "row 1"), ("INSERT INTO e VALUES ('abc', 'x')", 1366, "abc"),
        ("INSERT INTO e VALUES (99999999999, 'x')", 1264, "id"),
    ]:
        with pytest.raises(pymysql.err.MySQLError) as err:
            server.rows(sql, database="pym")
        assert word in err.value.args[1], err.value.args
        if code != 1105:
            assert err.value.args[0] == code, (sql, err.value.args)


@pytest.mark.parametrize("tls", ["false", "true"])
def test_connector_j(server, tls, tmp_path):
    server.rows("CREATE DATABASE IF NOT EXISTS jdbc")
    subprocess.run(["javac", "-d", str(tmp_path), str(HERE / "java" / "Client.java")], check=True)
    out = subprocess.run(["java", "-cp", f"{tmp_path}:{JARS}/*", "Client", str(server.port), tls], capture_output=True, text=True, timeout=120)
    assert out.stdout.strip() == "ok", out.stdout + out.stderr
