#!/usr/bin/env bash
# Brings the peers into .cache: a Python environment with Spark, delta-rs, DuckDB and MySQL clients, the jars of Delta and
# Connector/J, mysql2 for Node.js; and, from Debian, MariaDB's programs, PHP and Node.js. Does nothing where they are there.
set -euo pipefail
root="$(cd "$(dirname "$0")/.." && pwd)"
cache="${FEATURESQL_CACHE:-$root/.cache}"
venv="$cache/venv"
mkdir -p "$cache"

# debian installs the packages unless all the commands are there: debian "command …" package …
debian() {
  for c in $1; do
    if ! command -v "$c" >/dev/null; then
      export DEBIAN_FRONTEND=noninteractive
      apt-get update -qq
      apt-get install -y -qq --no-install-recommends "${@:2}" >/dev/null
      return
    fi
  done
}
debian "mariadb mariadbd" mariadb-client mariadb-server
debian "mariadb_config gcc pkg-config" libmariadb-dev gcc pkg-config # which mysqlclient is built with
debian php php-cli php-mysql
debian node nodejs
debian npm npm

want="pyspark==4.2.0 deltalake==1.6.6 pyarrow==22.0.0 numpy==2.3.4 duckdb==1.5.5 duckdb-extension-delta==1.5.5 duckdb-extension-tpch==1.5.5 PyMySQL==1.1.2 pytest==8.4.2 mysqlclient==2.3.1 mysql-connector-python==26.10.0 SQLAlchemy==2.1.9 pandas==2.3.3"
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

node="$cache/node"
if [ "$(cat "$node/installed" 2>/dev/null)" != "mysql2@3.24.6" ]; then
  mkdir -p "$node"
  npm install --silent --no-fund --no-audit --prefix "$node" mysql2@3.24.6
  echo "mysql2@3.24.6" > "$node/installed"
fi
