#!/usr/bin/env bash
# Makes a virtual environment of Python with the schema fuzzer in it, for the test beside this file. Nothing to do where it is
# already. Debian keeps the module that makes such environments in a package of its own, which is installed where we may.
set -euo pipefail
place=$1
wanted="$(dirname "$0")/requirements.txt"

if cmp -s "$wanted" "$place/installed.txt"; then
  exit 0
fi
as_root=()
if [ "$(id -u)" != 0 ]; then
  # Never asks for a password: tests have nobody to answer.
  as_root=(sudo -n)
fi
if ! python3 -c 'import venv, ensurepip' 2>/dev/null; then
  if ! command -v apt-get >/dev/null; then
    echo "python3 with its modules venv and ensurepip is missing, and there is no apt-get: install Python" >&2
    exit 1
  fi
  "${as_root[@]}" apt-get -q update
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends python3 python3-venv
fi
rm -rf "$place"
python3 -m venv "$place"
"$place/bin/pip" install --quiet --disable-pip-version-check --requirement "$wanted"
# Written last: what was left half way is begun again.
cp "$wanted" "$place/installed.txt"
