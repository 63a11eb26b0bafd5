#!/usr/bin/env bash
# Runs a command with an unlocked keychain of its own. Must run inside `dbus-run-session`, so that it is nobody else's keychain;
# its files live in a folder that is deleted afterwards, so each run begins with an empty one.
set -euo pipefail
home=$(mktemp -d)
trap 'kill "${daemon:-0}" 2>/dev/null || true; rm -rf "$home"' EXIT
export XDG_DATA_HOME="$home/data" XDG_RUNTIME_DIR="$home/run" XDG_CACHE_HOME="$home/cache" XDG_CONFIG_HOME="$home/config"
mkdir -p -m 700 "$XDG_DATA_HOME" "$XDG_RUNTIME_DIR" "$XDG_CACHE_HOME" "$XDG_CONFIG_HOME"
printf 'a passphrase for tests' | gnome-keyring-daemon --foreground --unlock --components=secrets >/dev/null &
daemon=$!
# The daemon is ready when its name is on the bus.
for _ in $(seq 100); do
  if dbus-send --session --print-reply --dest=org.freedesktop.DBus / org.freedesktop.DBus.NameHasOwner \
    string:org.freedesktop.secrets 2>/dev/null | grep -q 'boolean true'; then
    break
  fi
  sleep 0.1
done
"$@"
