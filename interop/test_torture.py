"""Servers are killed at random instants; delta-rs reads every version of every table that they wrote. `make torture` kills a thousand."""

import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).parent.parent


def test_killed_servers():
    run = subprocess.run(["go", "test", "./engine/torture", "-run", "TestKills", "-v", "-count=1", "-kills", "20", "-first", "7000", "-python", sys.executable],
                         cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stdout[-8000:] + run.stderr[-2000:]
    assert "20 servers killed" in run.stdout
