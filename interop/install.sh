#!/usr/bin/env bash
# Brings the peers into .cache: a Python environment with Spark, delta-rs and DuckDB, the jars of Delta and
# Connector/J, and MariaDB's programs. Does nothing where they are already there.
set -euo pipefail
root="$(cd "$(dirname "$0")/.." && pwd)"
cache="${FEATURESQL_CACHE:-$root/.cache}"
venv="$cache/venv"
mkdir -p "$cache"

want="pyspark==4.2.0 deltalake==1.6.6 pyarrow==22.0.0 numpy==2.3.4 duckdb==1.5.5 duckdb-extension-delta==1.5.5 duckdb-extension-tpch==1.5.5 PyMySQL==1.1.2 pytest==8.4.2"
if [ "$(cat "$venv/installed" 2>/dev/null)" != "$want" ]; then
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check $want
  echo "$want" > "$venv/installed"
fi

jars="$cache/jars"
if [ ! -e "$jars/done" ]; then
  mkdir -p "$jars"
  cat > "$cache/pom.xml" <<'POM'
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>featuresql</groupId><artifactId>interop</artifactId><version>1</version>
  <dependencies>
    <dependency><groupId>io.delta</groupId><artifactId>delta-spark_4.2_2.13</artifactId><version>4.4.0</version></dependency>
    <dependency><groupId>com.mysql</groupId><artifactId>mysql-connector-j</artifactId><version>9.1.0</version></dependency>
  </dependencies>
</project>
POM
  mvn --quiet --batch-mode -f "$cache/pom.xml" dependency:copy-dependencies -DoutputDirectory="$jars"
  touch "$jars/done"
fi

if ! command -v mariadb >/dev/null || ! command -v mariadbd >/dev/null; then
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends mariadb-client mariadb-server >/dev/null
fi
