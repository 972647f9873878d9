#!/bin/sh
# Install ngspice and its shared library through the system's package manager; "make test" calls this when one is missing.
set -eu

as_root=""
if [ "$(id -u)" -ne 0 ] && command -v sudo >/dev/null; then
  as_root="sudo"
fi

if command -v apt-get >/dev/null; then
  $as_root apt-get update -qq
  $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq ngspice libngspice0
elif command -v brew >/dev/null; then
  brew install ngspice libngspice
elif command -v dnf >/dev/null; then
  $as_root dnf install -y ngspice libngspice
elif command -v pacman >/dev/null; then
  $as_root pacman -S --noconfirm ngspice
elif command -v apk >/dev/null; then
  $as_root apk add ngspice
else
  echo "ngspice is missing and no known package manager is here; install ngspice, then run make test again" >&2
  exit 1
fi
