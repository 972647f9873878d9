#!/bin/sh
# Install Chromium and its driver through the system's package manager; "make test" calls this when one is missing.
set -eu

as_root=""
if [ "$(id -u)" -ne 0 ] && command -v sudo >/dev/null; then
  as_root="sudo"
fi

if command -v apt-get >/dev/null; then
  $as_root apt-get update -qq
  $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium chromium-driver
elif command -v dnf >/dev/null; then
  $as_root dnf install -y chromium chromedriver
elif command -v pacman >/dev/null; then
  $as_root pacman -S --noconfirm chromium
elif command -v apk >/dev/null; then
  $as_root apk add chromium chromium-chromedriver
else
  echo "Chromium is missing and no known package manager is here; install chromium and chromedriver, then run make test again" >&2
  exit 1
fi
