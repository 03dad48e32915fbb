"""Runs workloads on featuresql and its peers in turn (A B A B …), checks that they agree, and writes medians and ratios.

featuresql is measured from the client's side of a MySQL connection with the result fetched; DuckDB, delta-rs and Spark in their Python API, MariaDB over its own connection,
warm, with two threads.
"""

import argparse
import pathlib
import threading

import features
import logs
import tpch
from harness import DATA, WAREHOUSE, Report, Server

WORKLOADS = {
    "b1": ("B1 TPC-H", tpch.b1), "b2": ("B2 look-ups", features.b2), "b3": ("B3 point-in-time join", features.b3), "b4": ("B4 MERGE", features.b4), "b5": ("B5 single-row inserts", logs.b5),
    "b6": ("B6 large log", logs.b6), "b7": ("B7 rows to the client", features.b7), "b8": ("B8 bulk writes", features.b8), "b9": ("B9 bounded memory", tpch.b9), "b10": ("B10 time travel", tpch.b10),
    "growth": ("Growth", tpch.growth),
}


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--quick", action="store_true", help="small data, few rounds")
    p.add_argument("--rounds", type=int, help="runs of each query of B1")
    p.add_argument("--queries", help="those of TPC-H to run: Q1,Q21")
    p.add_argument("--sf", type=float, help="scale factor of TPC-H")
    p.add_argument("--spark", action="store_true", help="B1 beside Spark, too")
    p.add_argument("--profile", type=pathlib.Path, help="folder for a CPU profile of the server for each workload, and each query of B1")
    p.add_argument("workloads", nargs="*", default=[])
    args = p.parse_args()
    WAREHOUSE.mkdir(parents=True, exist_ok=True)
    if args.profile:
        args.profile.mkdir(parents=True, exist_ok=True)
    report = Report(args.quick)
    for name in args.workloads or WORKLOADS:
        title, run = WORKLOADS[name]
        print(f"\n{title}", flush=True)
        report.begin(title)
        with Server(profile=args.profile) as server:
            watchdog = threading.Timer(3600, server.stop)
            watchdog.daemon = True
            watchdog.start()
            wait = server.profiled(name, 20) if args.profile and name != "b1" else None
            run(server, args, report)
            if wait:
                wait()
            watchdog.cancel()
        report.write()


if __name__ == "__main__":
    main()
