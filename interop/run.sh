#!/usr/bin/env bash
# Runs the interoperability tests: interop/run.sh [pytest arguments].
set -euo pipefail
root="$(cd "$(dirname "$0")/.." && pwd)"
cache="${FEATURESQL_CACHE:-$root/.cache}"
"$root/interop/install.sh"
export FEATURESQL_BIN="$root/bin/featuresql" FEATURESQL_JARS="$cache/jars" TZ=UTC
cd "$root/interop"
exec "$cache/venv/bin/python" -m pytest -q -p no:cacheprovider "$@"
