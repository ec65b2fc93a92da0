#!/bin/sh
# npm run setup: installs what the tests need from Debian (debian-packages.txt), only what is missing, and says so.
# Without apt or without root it installs nothing, prints what is missing and how to get it, and lets the tests decide.
set -eu
list=$(dirname "$0")/debian-packages.txt

missing=
while read -r package shows reason; do
  case $package in '#'* | '') continue ;; esac
  case $shows in
    /*) [ -e "$shows" ] && continue ;;
    *) command -v "$shows" >/dev/null 2>&1 && continue ;;
  esac
  printf 'missing: %-22s %s\n' "$package" "$reason"
  missing="$missing $package"
done <"$list"

if [ -z "$missing" ]; then
  echo 'setup: everything the tests need is here'
  exit 0
fi
if ! command -v apt-get >/dev/null 2>&1; then
  echo "setup: no apt-get here; tests that need these will fail. Install by your system's means:$missing"
  exit 0
fi
if [ "$(id -u)" -ne 0 ]; then
  echo 'setup: not root; tests that need these will fail. To install them:'
  echo "  sudo apt-get update && sudo apt-get install -y --no-install-recommends$missing"
  exit 0
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
# shellcheck disable=SC2086 # one word a package
apt-get install -y -qq --no-install-recommends $missing
