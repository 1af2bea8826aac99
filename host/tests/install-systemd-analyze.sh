#!/usr/bin/env bash
# Makes `systemd-analyze` available, which checks host/deploy/tillbox.service: from Debian's package where it is missing, as
# root or where sudo asks for no password. No service is started by it.
set -euo pipefail
command -v systemd-analyze >/dev/null && exit 0
command -v apt-get >/dev/null || { echo "systemd-analyze is missing: install systemd" >&2; exit 1; }
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo --non-interactive "$@"; fi; }
export DEBIAN_FRONTEND=noninteractive
as_root apt-get update --quiet
as_root apt-get install --quiet --yes --no-install-recommends systemd
