"""Programs for the JVM that load libmesos: where the library is, and the jars that load it."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from harness.clients import cache, needs

SOURCES = Path(__file__).parent.parent / "jvm" / "java"
# Each generation of the driver, with the protobuf that its jar was made with.
GENERATIONS = {"0.21.0": "2.5.0", "0.28.2": "2.6.1", "1.1.0": "2.6.1", "1.11.0": "3.5.0"}


def library():
    """The library, beside the program under test; skips the test where it is not built."""
    found = Path(os.environ.get("LONGSHORE_BIN") or "nowhere").parent / "liblongshore_mesos.so"
    if not found.exists():
        pytest.skip(f"{found} is not built: cargo build --package longshore-libmesos")
    return found


def environment(**more):
    return {**os.environ, "MESOS_NATIVE_JAVA_LIBRARY": str(library()), **more}


def is_quiet(said):
    """Whether the JVM's own checks of native code found nothing."""
    return not re.search("WARNING in native|FATAL ERROR in native|JNI local refs|SIGSEGV|SIGABRT", said)


def classes(generation, folder, program="Harness", more=()):
    """A program of ours, compiled against the jar of a generation and more jars: a class path."""
    jars = [cache() / "jars" / f"mesos-{generation}.jar", cache() / "jars" / f"protobuf-java-{GENERATIONS[generation]}.jar"]
    needs("mesos-jars", "java", "javac", files=jars)
    path = os.pathsep.join(map(str, [folder, *jars, *more]))
    subprocess.run(["javac", "-nowarn", "-Xlint:none", "-cp", path, "-d", str(folder), str(SOURCES / f"{program}.java")], check=True, capture_output=True)
    return path
