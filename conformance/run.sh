#!/usr/bin/env bash
# Runs the suites: conformance/run.sh [process|docker|simulated] [pytest arguments]
#
# LONGSHORE_BIN                              the longshore program to start and test, or
# LONGSHORE_ECS_URL and LONGSHORE_MESOS_URL  endpoints that are already up
# LONGSHORE_CONFORMANCE_JOBS                 how many servers to start and test side by side (2)
# LONGSHORE_CONFORMANCE_CACHE                where clients that are not Python are kept (~/.cache/longshore/conformance)
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
case "${1:-}" in
process | docker | simulated)
    export LONGSHORE_RUNTIME=$1
    shift
    ;;
"" | -* | */*) ;;
*)
    echo "usage: conformance/run.sh [process|docker|simulated] [pytest arguments]" >&2
    exit 2
    ;;
esac
export LONGSHORE_RUNTIME=${LONGSHORE_RUNTIME:-process}
if [ -z "${LONGSHORE_BIN:-}${LONGSHORE_ECS_URL:-}${LONGSHORE_MESOS_URL:-}" ]; then
    for built in release debug; do
        if [ -x "$here/../target/$built/longshore" ]; then
            export LONGSHORE_BIN=$here/../target/$built/longshore
            break
        fi
    done
fi

export LONGSHORE_CONFORMANCE_VENV=${LONGSHORE_CONFORMANCE_VENV:-$here/../target/conformance/venv}
"$here/setup.sh"
# Under bash, since a checkout may have lost the executable bit.
bash "$here/clients.sh"
if [ "$LONGSHORE_RUNTIME" = docker ]; then
    "$here/dockerd.sh"
    "$here/docker_image.sh"
fi

cd "$here"
echo "conformance: runtime $LONGSHORE_RUNTIME, ${LONGSHORE_BIN:-ECS ${LONGSHORE_ECS_URL:-none}, Mesos ${LONGSHORE_MESOS_URL:-none}}" >&2
jobs=${LONGSHORE_CONFORMANCE_JOBS:-2}
if [ -n "${LONGSHORE_ECS_URL:-}${LONGSHORE_MESOS_URL:-}" ]; then
    jobs=0 # the suites want the endpoints for themselves, one test at a time
fi
# Deadlines can pass on a busy CI machine: a test that fails there gets one more try, and the report says so.
reruns=()
if [ "${CI:-}" = true ]; then
    reruns=(--reruns 1 --reruns-delay 1)
fi
exec "$LONGSHORE_CONFORMANCE_VENV/bin/python" -m pytest -q -ra --durations=10 \
    -n "$jobs" --dist loadfile "${reruns[@]}" "$@"
