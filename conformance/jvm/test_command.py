"""`longshore libmesos`: where the library is, and programs that are run with it."""

import os
import subprocess

import pytest

from harness import jvm

pytestmark = pytest.mark.process_only


def longshore(*words, **more):
    jvm.library()
    command = [os.environ["LONGSHORE_BIN"], "libmesos", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, env={**os.environ, **more})


def test_the_path_of_the_library_is_printed():
    printed = longshore()
    assert printed.returncode == 0 and os.path.samefile(printed.stdout.strip(), jvm.library())
    assert os.path.isabs(printed.stdout.strip())


def test_a_program_has_the_library_in_its_environment_and_keeps_its_exit_code():
    ran = longshore("--", "sh", "-c", 'echo "$MESOS_NATIVE_JAVA_LIBRARY ${MESOS_NATIVE_LIBRARY-none}"; exit 7', MESOS_NATIVE_LIBRARY="another")
    library, older = ran.stdout.split()
    assert ran.returncode == 7 and os.path.samefile(library, jvm.library()) and older == "none"


@pytest.mark.parametrize(("program", "code"), [("no-such-program", 127), ("/etc/passwd", 126)])
def test_a_program_that_cannot_be_run_ends_as_in_a_shell(program, code):
    ran = longshore("--", program)
    assert ran.returncode == code and f"cannot run {program}" in ran.stderr, ran
