"""Apache Superset adds featuresql as a database, looks around in it and draws charts of versions. Not a part of make interop: make superset."""

import html
import os
import pathlib
import re
import secrets
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request

import pytest

from conftest import free_port
from test_client_docs import blocks

BIN = pathlib.Path(os.environ["FEATURESQL_SUPERSET"]) / "bin"


@pytest.fixture(scope="module")
def superset(tmp_path_factory):
    """The address of a Superset whose administrator is admin, with the password admin."""
    home = tmp_path_factory.mktemp("superset")
    (home / "superset_config.py").write_text(
        f"SECRET_KEY = '{secrets.token_hex(32)}'\nSQLALCHEMY_DATABASE_URI = 'sqlite:///{home}/superset.db'\nWTF_CSRF_ENABLED = TALISMAN_ENABLED = False\n")
    env = os.environ | {"SUPERSET_CONFIG_PATH": str(home / "superset_config.py"), "SUPERSET_HOME": str(home), "FLASK_APP": "superset.app:create_app()"}
    for command in ("db upgrade", "fab create-admin --username admin --password admin --firstname a --lastname b --email a@b.org", "init"):
        out = subprocess.run([BIN / "superset", *command.split()], env=env, capture_output=True, text=True, timeout=300)
        assert out.returncode == 0, out.stdout + out.stderr
    port = free_port()
    with open(home / "log", "w") as log:
        process = subprocess.Popen([BIN / "superset", "run", "--port", str(port), "--with-threads"], env=env, stdout=log, stderr=log)
    address = f"http://127.0.0.1:{port}"
    deadline = time.time() + 120
    while True:
        try:
            urllib.request.urlopen(address + "/health", timeout=5).close()
            break
        except urllib.error.URLError:
            assert time.time() < deadline and process.poll() is None, (home / "log").read_text()
            time.sleep(0.2)
    yield address
    process.terminate()
    process.wait(20)


def program(code, server, superset, folder):
    """What a program prints in Superset's environment."""
    for port, there in (("3306", str(server.port)), ("8088", superset.rpartition(":")[2])):
        assert port in code
        code = code.replace(port, there)
    (folder / "page.py").write_text(code)
    out = subprocess.run([BIN / "python", "page.py"], cwd=folder, capture_output=True, text=True, timeout=120)
    assert out.returncode == 0, out.stdout + out.stderr
    return out.stdout


def picture(superset, path, folder, *flags):
    """Logs in with a browser that has no window and opens path; returns what it writes."""
    to = urllib.parse.quote(superset + path, safe="")
    (folder / "login.html").write_text(f'''<form method="post" action="{superset}/login/?next={to}"><input name="username" value="admin">
        <input name="password" value="admin"></form><script>document.forms[0].submit()</script>''')
    return subprocess.run(["chromium-headless-shell", "--no-sandbox", "--disable-gpu", "--window-size=900,600", "--virtual-time-budget=60000", *flags,
                           f"file://{folder}/login.html"], capture_output=True, text=True, timeout=120, check=True).stdout


# What follows the page's program, whose names it uses: a table as a chart, SQL Lab, all the ways to look at a database.
MORE = '''
def sql(text):
    answer = superset.post(api + "sqllab/execute/", json={"database_id": database, "sql": text, "schema": "shop", "runAsync": False}).json()
    return [list(r.values()) for r in answer["data"]] if "data" in answer else answer["errors"][0]["message"]


def get(path):
    return superset.get(api + path).json()


form |= {"viz_type": "table"}
post("chart/", slice_name="table", viz_type="table", datasource_id=dataset, datasource_type="table", params=json.dumps({"viz_type": "table", "groupby": ["shop"], "metrics": [revenue]}))
print(get(f"database/{database}/schemas/")["result"])
print([t["value"] for t in get(f"database/{database}/tables/?q=(force:!t,schema_name:shop)")["result"]])
print([(c["name"], c["longType"]) for c in get(f"database/{database}/table_metadata/?name=sales&schema=shop")["columns"]])
for text in ("SELECT price FROM sales FOR VERSION AS OF 1 WHERE id = 2", "SELECT price FROM sales FOR TIMESTAMP AS OF now() WHERE id = 2", "SELECT price FROM `shop@v1`.sales WHERE id = 2",
             "SET @@featuresql_as_of = '1'; SELECT price FROM sales WHERE id = 2", "SELECT price FROM sales WHERE id = 2", "SELECT * FROM nope"):
    print(sql(text))
grains = ("PT1S", "PT1M", "PT1H", "P1D", "P1W", "P1M", "P3M", "P1Y", "1969-12-29T00:00:00Z/P1W")
for grain in grains:
    day = {"timeGrain": grain, "columnType": "BASE_AXIS", "sqlExpression": "day", "label": "day", "expressionType": "SQL"}
    query = {"columns": [day], "metrics": [revenue], "granularity": "day", "time_range": "2025-12-01 : 2026-02-01", "orderby": [["revenue", False]]}
    print(grain, [(r["day"], r["revenue"]) for r in post("chart/data", datasource={"id": dataset, "type": "table"}, queries=[query])["result"][0]["data"]])
database = post("database/", database_name="version 1", sqlalchemy_uri="mysql+pymysql://root@127.0.0.1:3306/shop", expose_in_sqllab=True,
                extra=json.dumps({"engine_params": {"connect_args": {"init_command": "SET @@featuresql_as_of = '1'"}}}))["id"]
print(sql("SELECT price FROM sales WHERE id = 2"))
'''

DAY1, DAY2 = 1767225600000.0, 1767312000000.0  # 2026-01-01 and the day after, in milliseconds


def test_superset(server, superset, tmp_path):
    server.rows("DROP DATABASE IF EXISTS shop")
    server.rows("CREATE DATABASE shop")
    _, code, output = blocks("superset")
    printed = program(code + MORE, server, superset, tmp_path)
    assert printed.startswith(output), printed
    lines = printed[len(output):].splitlines()
    assert {"shop", "information_schema"} <= set(eval(lines[0]))
    assert lines[1:9] == [
        "['sales']", "[('id', 'BIGINT'), ('day', 'DATE'), ('shop', 'VARCHAR(20)'), ('price', 'DECIMAL(10, 2)')]",
        "[[4.0]]", "[[100.0]]", "[[4.0]]", "[[4.0]]", "[[100.0]]", "mysql error: Table 'nope' doesn't exist"]
    by_day = str([(DAY2, 101.75), (DAY1, 2.5)])
    sunday, monday, month = 1766880000000.0, 1766966400000.0, DAY1
    assert lines[9:18] == [
        f"PT1S {by_day}", f"PT1M {by_day}", f"PT1H {by_day}", f"P1D {by_day}", f"P1W {[(sunday, 104.25)]}", f"P1M {[(month, 104.25)]}", f"P3M {[(month, 104.25)]}",
        f"P1Y {[(month, 104.25)]}", f"1969-12-29T00:00:00Z/P1W {[(monday, 104.25)]}"]
    assert lines[18:] == ["[[4.0]]"]
    shown = picture(superset, "/explore/?slice_id=3&standalone=1", tmp_path, "--dump-dom")
    assert re.findall(r"<td[^>]*>(?:<div[^>]*></div>)?([^<]+)</td>", html.unescape(shown)) == ["south", "100", "north", "4.25"]
    for chart in (1, 2):
        folder = pathlib.Path(os.environ.get("FEATURESQL_PICTURES", tmp_path))
        shown = picture(superset, f"/explore/?slice_id={chart}&standalone=1", tmp_path, "--dump-dom")
        assert "<canvas" in shown and 'role="alert"' not in shown
        picture(superset, f"/explore/?slice_id={chart}&standalone=1", tmp_path, f"--screenshot={folder}/version-{chart}.png")
        assert (folder / f"version-{chart}.png").stat().st_size > 5000
