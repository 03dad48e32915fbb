"""What the workloads share: the server and its peers, the data, comparisons in turn, and the report."""

import glob
import json
import os
import pathlib
import platform
import re
import shutil
import statistics
import subprocess
import sys
import time

import deltalake
import duckdb

DATA = pathlib.Path(os.environ["BENCH_DATA"])
ROOT = pathlib.Path(__file__).resolve().parent.parent
WAREHOUSE = DATA / "warehouse"


class Server:
    """featuresql serving the benchmark's warehouse."""

    def __init__(self, *flags, warehouse=WAREHOUSE, profile=None):
        self.log = open(DATA / "server.log", "w+")
        self.profile = profile
        http = ["--http", "127.0.0.1:0", "--http-profiles"] if profile else []
        args = [os.environ["FEATURESQL_BIN"], "serve", "--warehouse", str(warehouse), "--listen", "127.0.0.1:0"]
        if "--workers" not in flags:
            args += ["--workers", "2"]
        self.process = subprocess.Popen(args + list(flags) + http, stderr=self.log)
        self.port = int(self.waits_for(r"listening on [^ ]*:(\d+)"))

    def waits_for(self, pattern):
        while True:
            self.log.seek(0)
            m = re.search(pattern, self.log.read())
            if m:
                return m.group(1)
            if self.process.poll() is not None:
                sys.exit("featuresql did not start, see " + self.log.name)
            time.sleep(0.05)

    def client(self, database):
        return Client(self.port, database)

    def profiled(self, name, seconds):
        """Begins a CPU profile of so many seconds; what it returns waits for it and stores it."""
        address = self.waits_for(r"HTTP is ready\S* address=(\S+)")
        target = self.profile / f"{name}.pprof"
        p = subprocess.Popen([sys.executable, "-c", f"import urllib.request as u; open({str(target)!r}, 'wb').write(u.urlopen('http://{address}/debug/pprof/profile?seconds={seconds}').read())"])
        return p.wait

    def memory(self, name):
        """VmHWM (greatest resident memory since the last reset) or VmRSS, in bytes."""
        for line in open(f"/proc/{self.process.pid}/status"):
            if line.startswith(name):
                return int(line.split()[1]) * 1024
        return 0

    def peak_bytes(self):
        return self.memory("VmHWM")

    def reset_peak(self):
        with open(f"/proc/{self.process.pid}/clear_refs", "w") as f:
            f.write("5")

    def stop(self):
        self.process.terminate()
        self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class Client:
    """The MySQL side, bench/client, of featuresql or MariaDB."""

    def __init__(self, port, database):
        self.p = subprocess.Popen([os.environ["BENCH_CLIENT"], f"127.0.0.1:{port}", database], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, line):
        self.p.stdin.write(" ".join(line.split()) + "\n")
        self.p.stdin.flush()
        out = json.loads(self.p.stdout.readline())
        if "error" in out:
            raise RuntimeError(f"{line[:200]}: {out['error']}")
        return out


class MariaDB:
    """MariaDB with InnoDB as it comes, every commit flushed, and a buffer pool that holds the data."""

    def __init__(self):
        self.base = DATA / "mariadb"
        data, socket = self.base / "data", self.base / "socket"
        if not (data / "mysql").exists():
            shutil.rmtree(self.base, ignore_errors=True)
            self.base.mkdir(parents=True)
            subprocess.run(["mariadb-install-db", "--no-defaults", "--user=root", f"--datadir={data}", "--auth-root-authentication-method=normal"], check=True, stdout=subprocess.DEVNULL)
        self.port = 3397
        self.process = subprocess.Popen(["mariadbd", "--no-defaults", "--user=root", f"--datadir={data}", f"--port={self.port}", "--bind-address=127.0.0.1", f"--socket={socket}",
                                         "--innodb-buffer-pool-size=1G", "--innodb-flush-log-at-trx-commit=1", "--skip-log-bin", "--local-infile=1", "--skip-name-resolve"],
                                        stderr=open(self.base / "log", "w"))
        self.socket = socket
        for _ in range(200):
            if subprocess.run(["mariadb", "--no-defaults", "-uroot", f"--socket={socket}", "-e", "CREATE DATABASE IF NOT EXISTS bench; GRANT ALL ON *.* TO root@'127.0.0.1'"], capture_output=True).returncode == 0:
                return
            time.sleep(0.1)
        sys.exit(f"mariadbd did not start, see {self.base / 'log'}")

    def run(self, sql):
        out = subprocess.run(["mariadb", "--no-defaults", "-uroot", "--local-infile=1", f"--socket={self.socket}", "bench", "-N", "-e", sql], capture_output=True, text=True)
        if out.returncode:
            sys.exit(out.stderr)
        return out.stdout

    def client(self):
        return Client(self.port, "bench")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


def duck(threads=2):
    c = duckdb.connect(config={"threads": threads})
    for name in ("delta", "tpch"):
        mod = __import__("duckdb_extension_" + name)
        c.execute("LOAD '%s'" % glob.glob(os.path.join(os.path.dirname(mod.__file__), "**", "*.duckdb_extension"), recursive=True)[0])
    return c


def once(path, make):
    """Makes a folder of data unless an earlier run did."""
    done = path.parent / f".{path.name}.done"
    if not done.exists():
        shutil.rmtree(path, ignore_errors=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        make(path)
        done.touch()
    return path


def alone(code):
    """Runs Python in a process of its own, whose answer is the JSON that it prints; peak_bytes is added to it."""
    code += "\nimport resource, json\nout['peak_bytes'] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024\nprint(json.dumps(out))\n"
    got = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT / "bench")
    if got.returncode:
        sys.exit(got.stderr)
    return json.loads(got.stdout.splitlines()[-1])


def number(x):
    try:
        return round(float(x), 4)
    except (TypeError, ValueError):
        return None if x is None else str(x)[:10]


def same(a, b):
    """Rows are equal but for the scale in which numbers are printed."""
    return len(a) == len(b) and all(len(x) == len(y) and all(p == q or (isinstance(p, float) and isinstance(q, float) and abs(p - q) <= 5e-5 + 1e-9 * max(abs(p), abs(q)))
                                                            for p, q in zip(map(number, x), map(number, y))) for x, y in zip(a, b))


def interleaved(rounds, *runs):
    """Calls each in turn, once to warm it and then so many times. A call returns (seconds, rows); rows must agree. Returns the medians."""
    took = [[] for _ in runs]
    for round_ in range(-1, rounds):
        first = None
        for i, run in enumerate(runs):
            seconds, rows = run()
            if round_ >= 0:
                took[i].append(seconds)
            if first is None:
                first = rows
            elif not same(first, rows):
                sys.exit(f"different answers:\n{first[:3]}\n{rows[:3]}")
    return [statistics.median(t) for t in took]


def asks(client, query):
    """A call for interleaved."""

    def run():
        out = client.ask("query " + query)
        return out["seconds"], out["rows"]

    return run


def executes(d, query):
    """A call for interleaved."""

    def run():
        start = time.perf_counter()
        rows = d.execute(query).fetchall()
        return time.perf_counter() - start, rows

    return run


class Report:
    """The figures of a run: printed as they come, kept in a file from run to run, and written to docs/benchmarks.md."""

    def __init__(self, quick):
        self.quick = quick
        self.file = DATA / ("quick.json" if quick else "full.json")
        self.sections = json.loads(self.file.read_text()) if self.file.exists() else {}
        self.plots = {}

    def begin(self, workload):
        self.rows = self.sections[workload] = []

    def add(self, name, peer, ours, theirs, unit="ms", bar=None, note=""):
        """ours and theirs are seconds, or rates in a unit that ends with /s. bar is the greatest ratio wanted; of rates, the least."""
        ratio = ours / theirs
        scale = 1000 if unit == "ms" else 1
        rate = unit.endswith("/s")
        met = "" if bar is None else ("met" if (ratio >= bar if rate else ratio <= bar) else "missed")
        form = "{:,.0f} {}" if rate else "{:.2f} {}"
        self.rows.append((name, peer, form.format(ours * scale, unit), form.format(theirs * scale, unit), f"{ratio:.2f}", "" if bar is None else f"{'≥' if rate else '≤'} {bar} {met}", note))
        print(" | ".join(self.rows[-1]), flush=True)

    def value(self, name, text, met=None, bar=""):
        """A figure without a peer."""
        self.rows.append((name, "", text, "", "", f"{bar} {'' if met is None else 'met' if met else 'missed'}".strip(), ""))
        print(" | ".join(self.rows[-1]), flush=True)

    def geomean(self, name, peer, ratios, bar):
        g = statistics.geometric_mean(ratios)
        self.rows.append((f"**{name}, geometric mean of {len(ratios)}**", peer, "", "", f"{g:.2f}", f"≤ {bar} {'met' if g <= bar else 'missed'}", f"worst {max(ratios):.2f}"))
        print(" | ".join(self.rows[-1]), flush=True)

    def write(self):
        self.file.write_text(json.dumps(self.sections))
        if self.quick:
            return
        cpu = next((l.split(":")[1].strip() for l in open("/proc/cpuinfo") if l.startswith("model name")), platform.processor())
        maria = re.search(r"[\d.]+-MariaDB", subprocess.run(["mariadbd", "--version"], capture_output=True, text=True).stdout)
        lines = ["# Benchmarks", "", f"Written by `make bench` on {os.cpu_count()} cores ({cpu}): featuresql and its peers in turn, medians, every answer compared. DuckDB {duckdb.__version__}, delta-rs {deltalake.__version__}, "
                 f"MariaDB {maria.group(0) if maria else ''}. A ratio is featuresql's figure divided by the peer's: of times, below 1 is faster; of rates, above 1. Absolute figures are of one machine on one day.",
                 "What each workload is stands in [bench/README.md](../bench/README.md)."]
        for section in sorted(self.sections, key=lambda s: (int(re.search(r"\d+", s).group(0)) if s[0] == "B" else 99, s)):
            lines += ["", f"## {section}", "", "| workload | peer | featuresql | peer's | ratio | wanted | |", "|---|---|---|---|---|---|---|"]
            lines += ["| " + " | ".join(r) + " |" for r in self.sections[section]]
            if (ROOT / "docs" / "plots" / f"{section.split()[0].lower()}.svg").exists():
                lines += ["", f"![{section}](plots/{section.split()[0].lower()}.svg)"]
        (ROOT / "docs" / "benchmarks.md").write_text("\n".join(lines) + "\n")
