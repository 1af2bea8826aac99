#!/usr/bin/env bash
# Installs the load generator that `tillbox bench --routes` runs, from Debian's packages. Nothing to do where it is already.
set -euo pipefail

if command -v wrk >/dev/null; then
  exit 0
fi
if ! command -v apt-get >/dev/null; then
  echo "the load generator wrk is missing and there is no apt-get: install wrk" >&2
  exit 1
fi
as_root=()
if [ "$(id -u)" != 0 ]; then
  # Never asks for a password: tests have nobody to answer.
  as_root=(sudo -n)
fi
"${as_root[@]}" apt-get -q update
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends wrk
