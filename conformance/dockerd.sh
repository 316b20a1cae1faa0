#!/usr/bin/env bash
# Makes sure that a Docker daemon answers: installs docker.io where it is missing (needs root and
# apt), starts dockerd where none answers, waits for it. Exits non-zero with a plain message when
# a daemon cannot be had. What the daemon prints goes to ${LONGSHORE_DOCKERD_LOG:-/tmp/dockerd.log}.
set -uo pipefail

log=${LONGSHORE_DOCKERD_LOG:-/tmp/dockerd.log}

give_up() {
    echo "conformance: no Docker daemon: $1" >&2
    exit 1
}

answers() {
    docker version --format '{{.Server.Version}}' >/dev/null 2>&1
}

started_answers() { # waits up to 30 s for the daemon with the process id $1
    local waited
    for ((waited = 0; waited < 150; waited++)); do
        answers && return 0
        kill -0 "$1" 2>/dev/null || return 1
        sleep 0.2
    done
    kill "$1" 2>/dev/null
    return 1
}

if command -v docker >/dev/null && answers; then
    exit 0
fi
[ -z "${DOCKER_HOST:-}" ] || give_up "DOCKER_HOST=$DOCKER_HOST does not answer"
[ "$(id -u)" = 0 ] || give_up "starting one needs root"
if ! command -v dockerd >/dev/null || ! command -v docker >/dev/null; then
    command -v apt-get >/dev/null || give_up "docker.io is not installed and there is no apt-get"
    { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends docker.io iptables; } \
        >"$log" 2>&1 || give_up "installing docker.io failed, see $log"
fi

# The plain start first; then what sandboxes without netfilter or overlayfs need. In the last form
# containers have no network of their own, so only networkMode host and none work.
for flags in "" "--storage-driver=vfs" "--storage-driver=vfs --iptables=false --ip6tables=false --bridge=none"; do
    # shellcheck disable=SC2086
    setsid dockerd $flags >>"$log" 2>&1 </dev/null &
    if started_answers $!; then
        echo "conformance: started dockerd $flags" >&2
        exit 0
    fi
done
give_up "dockerd does not start here, see $log"
