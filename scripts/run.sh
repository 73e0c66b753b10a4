#!/usr/bin/env bash
# Starts the server with the plugins of target/dist/plugins and one device on this machine, and says what to try next.
# Ctrl-C ends both.
#
#   PORT=5001 scripts/run.sh     where 5000 is taken
set -euo pipefail
cd "$(dirname "$0")/.."

port=${PORT:-5000}
hangar=target/debug/hangar
device=this-machine

cargo build -p hangar

children=()
stop() { kill "${children[@]}" 2>/dev/null || true; wait; }
trap stop EXIT
trap 'exit 130' INT TERM

"$hangar" serve --plugins target/dist/plugins --port "$port" &
children+=($!)
until (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do
    kill -0 "${children[0]}" 2>/dev/null || exit 1
    sleep 0.2
done

"$hangar" device --id "$device" --server "ws://127.0.0.1:$port/ws" &
children+=($!)
sleep 1

cat <<END

A device of this machine is connected. In another terminal, try:

    $hangar dispatch '\$ uname -a' --device $device --server http://127.0.0.1:$port

END
wait
