#!/usr/bin/env bash
# Node.js and npm from Debian, where they are missing: what the published client runs on.
set -euo pipefail
if command -v node >/dev/null && command -v npm >/dev/null; then
  printf 'Node.js %s, npm %s\n' "$(node --version)" "$(npm --version 2>/dev/null)"
  exit 0
fi
run=()
[ "$(id -u)" -eq 0 ] || run=(sudo -n)
"${run[@]}" apt-get update -qq
"${run[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends nodejs npm
printf 'Node.js %s, npm %s\n' "$(node --version)" "$(npm --version 2>/dev/null)"
