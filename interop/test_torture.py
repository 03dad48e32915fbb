"""Servers are killed at random instants, and delta-rs reads every version of every table that they wrote; operations of two servers and
delta-rs at once are linearizable. `make torture` does more of both."""

import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).parent.parent


def torture(test, *flags):
    run = subprocess.run(["go", "test", "./engine/torture", "-run", test, "-v", "-count=1", "-python", sys.executable, *flags],
                         cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stdout[-8000:] + run.stderr[-2000:]
    return run.stdout


def test_killed_servers():
    assert "20 servers killed" in torture("TestKills", "-kills", "20", "-first", "7000")


def test_linearizable():
    assert "round 7:" in torture("TestLinearizable", "-rounds", "8")
