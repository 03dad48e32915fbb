#!/usr/bin/env bash
# Measures featuresql beside its peers: bench/run.sh [--quick] [workload …].
set -euo pipefail
root="$(cd "$(dirname "$0")/.." && pwd)"
cache="${FEATURESQL_CACHE:-$root/.cache}"
"$root/interop/install.sh"
(cd "$root" && CGO_ENABLED=0 go build -o "$root/bin/" ./cmd/featuresql && CGO_ENABLED=0 go build -o "$root/bin/benchclient" ./bench/client)
export FEATURESQL_BIN="$root/bin/featuresql" BENCH_CLIENT="$root/bin/benchclient" BENCH_DATA="$cache/bench" TZ=UTC
exec "$cache/venv/bin/python" "$root/bench/bench.py" "$@"
