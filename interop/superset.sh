#!/usr/bin/env bash
# Installs Apache Superset into .cache/superset, a browser from Debian, and runs interop/test_superset.py: interop/superset.sh [pytest arguments].
set -euo pipefail
root="$(cd "$(dirname "$0")/.." && pwd)"
cache="${FEATURESQL_CACHE:-$root/.cache}"
"$root/interop/install.sh"
if ! cmp -s "$root/interop/superset.txt" "$cache/superset/installed"; then
  python3 -m venv "$cache/superset"
  "$cache/superset/bin/pip" install --quiet --disable-pip-version-check -r "$root/interop/superset.txt"
  cp "$root/interop/superset.txt" "$cache/superset/installed"
fi
if ! command -v chromium-headless-shell >/dev/null; then
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends chromium-headless-shell >/dev/null
fi
FEATURESQL_SUPERSET="$cache/superset" exec "$root/interop/run.sh" test_superset.py "$@"
