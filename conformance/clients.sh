#!/usr/bin/env bash
# Fetches the clients that are not Python into a cache outside the repository: Singularity from Maven Central, mesos-go's msh
# and mwatch through the Go module proxy, mesos-framework from npm, jars of Mesos from Maven Central, PySpark from PyPI. Versions and
# checksums are pinned in clients/. Safe to repeat, and never fails: what cannot be had is said, kept in NAME.why beside it, and the
# tests that need it are skipped with that reason.
#
# LONGSHORE_CONFORMANCE_CACHE  where to keep them (default: ~/.cache/longshore/conformance)
set -uo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${LONGSHORE_CONFORMANCE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/longshore/conformance}
readonly MAVEN_PLUGIN=org.apache.maven.plugins:maven-dependency-plugin:3.8.1
# Of one download or build. What hangs is given up; the next run tries again.
readonly SECONDS_MAX=240

has() {
    command -v "$1" >/dev/null 2>&1
}

lacks() { # the client $1 lacks something: $2
    echo "conformance: no $1: $2" >&2
    echo "$2" >"$cache/$1.why"
    return 1
}

is_jar() { # whether the file $1 has the SHA-256 $2
    [ -f "$1" ] && [ "$(sha256sum "$1" | cut -d' ' -f1)" = "$2" ]
}

jars() { # fetches what the file $2 lists for the client $1
    local coordinates sum file group name version rest
    mkdir -p "$cache/jars"
    while read -r coordinates sum; do
        case "$coordinates" in "#"* | "") continue ;; esac
        IFS=: read -r group name version rest <<<"$coordinates"
        file=$cache/jars/$name-$version${rest:+-${rest##*:}}.jar
        is_jar "$file" "$sum" && continue
        has mvn || { lacks "$1" "there is no Maven to fetch $name $version with"; return; }
        timeout "$SECONDS_MAX" mvn -q -B "-Dmaven.repo.local=$cache/m2" "$MAVEN_PLUGIN:copy" \
            "-Dartifact=$coordinates" "-DoutputDirectory=$cache/jars" >"$cache/$1.log" 2>&1
        is_jar "$file" "$sum" || { lacks "$1" "$coordinates could not be fetched, see $cache/$1.log"; return; }
    done <"$2"
    rm -rf "$cache/m2" "$cache/$1.why"
}

singularity() {
    has java || { lacks singularity "there is no Java"; return; }
    [ -e /usr/share/java/zookeeper.jar ] || { lacks singularity "there is no ZooKeeper (Debian's package zookeeper)"; return; }
    jars singularity "$here/clients/jars.txt"
}

mesos_jars() {
    has javac || { lacks mesos-jars "there is no Java compiler"; return; }
    jars mesos-jars "$here/clients/mesos-jars.txt"
}

pyspark() {
    local version
    version=$(sed -n 's/^pyspark==\([^ ]*\) .*/\1/p' "$here/clients/pyspark.txt")
    has java || { lacks pyspark "there is no Java"; return; }
    [ -e "$cache/pyspark-$version/pyspark/bin/spark-class" ] && return 0
    rm -rf "$cache/pyspark-$version" "$cache/pyspark.new"
    if ! timeout "$SECONDS_MAX" "$LONGSHORE_CONFORMANCE_VENV/bin/python" -m pip install -q --no-compile --target "$cache/pyspark.new" \
        --require-hashes --requirement "$here/clients/pyspark.txt" >"$cache/pyspark.log" 2>&1; then
        lacks pyspark "it could not be installed, see $cache/pyspark.log"
        return
    fi
    mv "$cache/pyspark.new" "$cache/pyspark-$version"
    rm -f "$cache/pyspark.why"
}

mesos_go() {
    local wanted commands=github.com/mesos/mesos-go/api/v1/cmd
    wanted=$(cat "$here"/clients/go/* | sha256sum | cut -d' ' -f1)
    [ "$(cat "$cache/mesos-go/pins" 2>/dev/null)" = "$wanted" ] && return 0
    has go || { lacks mesos-go "there is no Go"; return; }
    rm -rf "$cache/mesos-go" "$cache/mesos-go.new"
    mkdir -p "$cache/mesos-go.new"
    if ! (cd "$here/clients/go" && GOFLAGS="-mod=readonly -buildvcs=false" timeout "$SECONDS_MAX" \
        go build -o "$cache/mesos-go.new/" "$commands/msh" "$commands/mwatch") >"$cache/mesos-go.log" 2>&1; then
        lacks mesos-go "it could not be built, see $cache/mesos-go.log"
        return
    fi
    echo "$wanted" >"$cache/mesos-go.new/pins"
    mv "$cache/mesos-go.new" "$cache/mesos-go"
    rm -f "$cache/mesos-go.why"
}

mesos_framework() {
    local wanted
    has node || { lacks mesos-framework "there is no Node.js"; return; }
    wanted=$(cat "$here"/clients/npm/* | sha256sum | cut -d' ' -f1)
    [ "$(cat "$cache/npm/pins" 2>/dev/null)" = "$wanted" ] && return 0
    has npm || { lacks mesos-framework "there is no npm"; return; }
    rm -rf "$cache/npm" "$cache/npm.new"
    cp -r "$here/clients/npm" "$cache/npm.new"
    if ! (cd "$cache/npm.new" && timeout "$SECONDS_MAX" npm ci --ignore-scripts --no-audit --no-fund) \
        >"$cache/mesos-framework.log" 2>&1; then
        lacks mesos-framework "npm could not install it, see $cache/mesos-framework.log"
        return
    fi
    echo "$wanted" >"$cache/npm.new/pins"
    mv "$cache/npm.new" "$cache/npm"
    rm -f "$cache/mesos-framework.why"
}

mkdir -p "$cache" || exit 0
singularity
mesos_go
mesos_framework
mesos_jars
pyspark
exit 0
