#!/usr/bin/env bash
# Installs the programs of a PostgreSQL server from Debian's packages, for the tests that start servers of their own. No
# cluster and no service comes with them. Nothing to do where they are already.
set -euo pipefail

if command -v initdb >/dev/null || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null; then
  exit 0
fi
if ! command -v apt-get >/dev/null; then
  echo "PostgreSQL's initdb is missing and there is no apt-get: install PostgreSQL's server programs" >&2
  exit 1
fi
as_root=()
if [ "$(id -u)" != 0 ]; then
  # Never asks for a password: tests have nobody to answer.
  as_root=(sudo -n)
fi
"${as_root[@]}" mkdir -p /etc/postgresql-common
if ! [ -e /etc/postgresql-common/createcluster.conf ]; then
  echo 'create_main_cluster = false' | "${as_root[@]}" tee /etc/postgresql-common/createcluster.conf >/dev/null
fi
"${as_root[@]}" apt-get -q update
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends postgresql
