"""The commands of README.md, as they are written, against a server of the suite.

Lines that begin with `$` are run in order, with the endpoints of the server in place of the usual ports and the ids that
earlier commands printed in place of those on the page. Commands that start servers are covered elsewhere.
"""

import os
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlparse

import pytest

from harness.server import runtime
from harness.wait import until

README = Path(__file__).parents[2] / "README.md"
ID = re.compile(r"\b[0-9a-f]{32}\b")
ELSEWHERE = ("cargo run", "longshore dev", "longshore serve", "bash conformance/setup.sh", "target/conformance/venv/bin/python")

pytestmark = pytest.mark.skipif(runtime() != "process", reason="the page runs plain processes")


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```$", README.read_text(), re.M | re.S)


def commands():
    """Each command with its continuation lines."""
    found = []
    for block in blocks(""):
        for match in re.finditer(r"^\$ ((?:.*\\\n)*.*)", block, re.M):
            if not match[1].startswith(ELSEWHERE):
                found.append(match[1])
    return found


def adapted(text, server):
    text = text.replace("http://127.0.0.1:5080", server.ecs)
    return text.replace("127.0.0.1:5050", urlparse(server.mesos).netloc)


@pytest.fixture
def shell(server, ecs, tmp_path, quiet_after):
    """Runs one command; exports last, and ids on the page become the one printed last."""
    binary = os.environ.get("LONGSHORE_BIN")
    if not binary:
        pytest.skip("LONGSHORE_BIN is not set: there is no program to type")
    (tmp_path / "longshore").symlink_to(Path(binary).resolve())
    path = f"{tmp_path}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    env = {**os.environ, "PATH": path, "AWS_ECS_ENDPOINT": server.ecs}
    printed = []

    def run(command):
        if command.startswith("export "):
            env.update(pair.split("=", 1) for pair in command.split()[1:])
            return ""
        if printed:
            command = ID.sub(printed[-1], command)
        done = subprocess.run(
            ["bash", "-c", adapted(command, server)], env=env, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        assert "longshore:" not in done.stderr, (command, done.stderr)
        if " run " in command:
            printed.extend(ID.findall(done.stdout))
        return done.stdout

    return run


def test_the_commands_of_the_readme_work_as_written(shell):
    written = commands()
    assert len(written) >= 7, written
    output = {}
    for command in written:
        if command.startswith("longshore logs"):
            output[command] = until(lambda c=command: shell(c), "the task has written something")
        else:
            output[command] = shell(command)
    text = "".join(output.values())
    assert "hello world from ECS" in text
    assert "exit code 4" in text


def test_the_boto3_lines_of_the_readme_work_as_written(shell, server):
    for command in commands()[:2]:  # Keys, and the task definition that the lines run.
        shell(command)
    [lines] = [block for block in blocks("python") if "boto3" in block]
    done = subprocess.run(
        [sys.executable, "-c", adapted(lines, server)], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout.strip()) == (0, "0"), done.stderr


def test_the_framework_of_the_readme_works_as_written(shell, server):
    for command in commands()[:2]:
        shell(command)
    [lines] = [block for block in blocks("python") if "pymesos" in block]
    done = subprocess.run(
        [sys.executable, "-c", adapted(lines, server)], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("TASK_FINISHED") == 3, done.stdout
