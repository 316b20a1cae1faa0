#!/usr/bin/env bash
# Fetches the clients that are not Python into a cache outside the repository: Singularity, Elastic-Job-Cloud, Fenzo and jars of Mesos
# from Maven Central, mesos-go's msh and mwatch through the Go module proxy, mesos-framework from npm, PySpark and Flink from PyPI. Versions
# and checksums are pinned in clients/. Safe to repeat, and never fails: what cannot be had is said, kept in NAME.why beside it, and the
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

jar_of() { # the file of the jar with the coordinates $1
    local group name version rest
    IFS=: read -r group name version rest <<<"$1"
    echo "$cache/jars/$name-$version${rest:+-${rest##*:}}.jar"
}

missing() { # the coordinates of those jars of the list $1 that are not there, or are not what they should be
    local coordinates sum
    while read -r coordinates sum; do
        case "$coordinates" in "#"* | "") continue ;; esac
        is_jar "$(jar_of "$coordinates")" "$sum" || echo "$coordinates"
    done <"$1"
}

project() { # a project of Maven's whose plugin copies the jars that are read
    local group name version type classifier
    echo "<project><modelVersion>4.0.0</modelVersion><groupId>x</groupId><artifactId>x</artifactId><version>1</version>"
    echo "<build><plugins><plugin><groupId>${MAVEN_PLUGIN%%:*}</groupId><artifactId>maven-dependency-plugin</artifactId>"
    echo "<version>${MAVEN_PLUGIN##*:}</version><configuration><artifactItems>"
    while IFS=: read -r group name version type classifier; do
        echo "<artifactItem><groupId>$group</groupId><artifactId>$name</artifactId><version>$version</version>"
        echo "${classifier:+<classifier>$classifier</classifier>}</artifactItem>"
    done
    echo "</artifactItems></configuration></plugin></plugins></build></project>"
}

jars() { # fetches what the file $2 lists for the client $1
    local wanted
    mkdir -p "$cache/jars"
    wanted=$(missing "$2")
    if [ -n "$wanted" ]; then
        has mvn || { lacks "$1" "there is no Maven to fetch jars with"; return; }
        project <<<"$wanted" >"$cache/$1.pom"
        timeout "$SECONDS_MAX" mvn -q -B -f "$cache/$1.pom" "-Dmaven.repo.local=$cache/m2" "$MAVEN_PLUGIN:copy" \
            "-DoutputDirectory=$cache/jars" >"$cache/$1.log" 2>&1
        wanted=$(missing "$2")
        [ -z "$wanted" ] || { lacks "$1" "$(head -1 <<<"$wanted") could not be fetched, see $cache/$1.log"; return; }
    fi
    rm -rf "$cache/m2" "$cache/$1.pom" "$cache/$1.why"
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

from_pypi() { # installs the client $1 as the file $2 pins it, unless $3 is in the cache, which it has then
    [ -e "$cache/$3" ] && return 0
    rm -rf "${cache:?}/${3%%/*}" "$cache/$1.new"
    if ! timeout "$SECONDS_MAX" "$LONGSHORE_CONFORMANCE_VENV/bin/python" -m pip install -q --no-compile --target "$cache/$1.new" \
        --require-hashes --requirement "$2" >"$cache/$1.log" 2>&1; then
        lacks "$1" "it could not be installed, see $cache/$1.log"
        return
    fi
    mv "$cache/$1.new" "$cache/${3%%/*}"
    rm -f "$cache/$1.why"
}

fenzo() {
    has javac || { lacks fenzo "there is no Java compiler"; return; }
    jars fenzo "$here/clients/fenzo-jars.txt"
}

elastic_job() {
    has java || { lacks elastic-job "there is no Java"; return; }
    [ -e /usr/share/java/zookeeper.jar ] || { lacks elastic-job "there is no ZooKeeper (Debian's package zookeeper)"; return; }
    jars elastic-job "$here/clients/elastic-job-jars.txt"
}

pyspark() {
    local pins version
    for pins in "$here"/clients/pyspark*.txt; do
        version=$(sed -n 's/^pyspark==\([^ ]*\) .*/\1/p' "$pins")
        has java || { lacks "pyspark-$version" "there is no Java"; continue; }
        from_pypi "pyspark-$version" "$pins" "pyspark-$version/pyspark/bin/spark-class"
    done
}

flink() {
    local version
    version=$(sed -n 's/^apache-flink-libraries==\([^ ]*\) .*/\1/p' "$here/clients/flink.txt")
    has javac || { lacks flink "there is no Java compiler"; return; }
    jars flink "$here/clients/flink-jars.txt" || return
    from_pypi flink "$here/clients/flink.txt" "flink-$version/pyflink/lib/flink-dist_2.12-$version.jar"
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

# Those from Maven Central one after another, since they share what Maven keeps.
from_maven() {
    singularity
    mesos_jars
    fenzo
    elastic_job
    flink
}

mkdir -p "$cache" || exit 0
for some in from_maven pyspark mesos_go mesos_framework; do
    "$some" &
done
wait
exit 0
