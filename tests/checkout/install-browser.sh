#!/usr/bin/env bash
# Installs Chromium and Node.js from Debian's packages, for the tests of the checkout page. Nothing to do where they are
# already. The packages that the scenes use are installed by npm, into the target directory.
set -euo pipefail

packages=()
if [ -z "${TILLBOX_TEST_CHROMIUM:-}" ] && ! command -v chromium >/dev/null; then packages+=(chromium); fi
if ! command -v node >/dev/null; then packages+=(nodejs); fi
if ! command -v npm >/dev/null; then packages+=(npm); fi
if [ ${#packages[@]} = 0 ]; then
  exit 0
fi
if ! command -v apt-get >/dev/null; then
  echo "missing: ${packages[*]}, and there is no apt-get: install Node.js with npm, and Chromium (or let" \
    "TILLBOX_TEST_CHROMIUM name a browser of its kind)" >&2
  exit 1
fi
as_root=()
if [ "$(id -u)" != 0 ]; then
  # Never asks for a password: tests have nobody to answer.
  as_root=(sudo -n)
fi
"${as_root[@]}" apt-get -q update
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends "${packages[@]}"
