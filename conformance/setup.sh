#!/usr/bin/env bash
# Makes the virtual environment of the suites. Safe to repeat; does nothing when it is up to date.
#
# LONGSHORE_CONFORMANCE_VENV  where to make it (default: target/conformance/venv of the repository)
# PYTHON                      the interpreter to use (default: python3)
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
venv=${LONGSHORE_CONFORMANCE_VENV:-$here/../target/conformance/venv}
python=${PYTHON:-python3}

stamp=$venv/longshore.stamp
wanted=$(cat "$here/requirements.txt" "$here/setup.sh" | sha256sum | cut -d' ' -f1)
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ]; then
    exit 0
fi

echo "conformance: installing the client libraries into $venv" >&2
rm -rf "$venv"
mkdir -p "$(dirname "$venv")"
"$python" -m venv "$venv"
pip="$venv/bin/python -m pip --quiet --disable-pip-version-check"
$pip install -r "$here/requirements.txt"

# pymesos needs http-parser 0.9.0, whose archive ships generated C that Python 3.11 and later
# cannot compile. Generate it afresh with Cython; where that or a C compiler is missing, use the
# pure Python half of the same archive, to which the library falls back by itself.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
$pip install cython==3.3.1 "setuptools<81" wheel==0.48.0
$pip download --no-deps --no-binary :all: --no-build-isolation --dest "$work" http-parser==0.9.0
tar -xf "$work"/http-parser-0.9.0.tar.gz -C "$work"
source=$work/http-parser-0.9.0
rm -f "$source"/http_parser/*.so
if ! (cd "$source" \
    && "$venv/bin/cython" http_parser/parser.pyx -o http_parser/parser.c \
    && $pip install --no-deps --no-build-isolation .) >"$work/build.log" 2>&1; then
    echo "conformance: http-parser does not compile here, using its pure Python form" >&2
    cp -r "$source/http_parser" "$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])')/"
fi
$pip install --no-deps pymesos==0.3.15 task-processing==1.4.0 avmesos==0.4.2 mesoshttp==0.4.2

"$venv/bin/python" -W ignore -c 'import avmesos.client, boto3, mesoshttp.client, pymesos, requests; from task_processing.plugins.mesos import mesos_task_executor'
echo "$wanted" >"$stamp"
