"""Executors in containers. The image is next to nothing: what they run is the machine's, which Spark's setting for volumes mounts."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import urlparse

import pytest

from harness import spark
from harness.wait import until

pytestmark = [pytest.mark.docker_only, pytest.mark.timeout(300)]

IMAGE = "longshore/bare:latest"


@pytest.fixture(scope="module")
def image():
    """An image whose programs are those of the machine's /usr, once that is mounted."""
    if not Path("/bin").is_symlink():
        pytest.skip("the programs of this machine are not all below /usr")
    with tempfile.TemporaryDirectory() as root:
        for folder in ("usr", "etc", "tmp"):
            (Path(root) / folder).mkdir()
        for link in ("bin", "lib", "lib64"):
            (Path(root) / link).symlink_to(f"usr/{link}")
        (Path(root) / "etc" / "passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
        with subprocess.Popen(["tar", "-C", root, "--owner=0", "--group=0", "-c", "."], stdout=subprocess.PIPE) as tar:
            subprocess.run(["docker", "import", "-", IMAGE], stdin=tar.stdout, check=True, capture_output=True)
    return IMAGE


@pytest.fixture
def client(quiet_after):
    made = spark.Spark()
    yield made
    made.close()


def test_executors_run_in_containers_of_an_image_with_volumes(client, image, mesos_url, ecs, tmp_path):
    jar = client.jar("Pi", tmp_path)
    java = Path(os.path.realpath(shutil.which("java"))).parent.parent
    mounted = ["/usr", str(client.home.resolve()), *(str(folder) for folder in Path("/etc").glob("java-*"))]
    settings = {
        "spark.mesos.executor.docker.image": image,
        "spark.mesos.executor.docker.volumes": ",".join(f"{folder}:{folder}:ro" for folder in mounted),
        "spark.mesos.executor.home": str(client.home.resolve()),
        "spark.executorEnv.JAVA_HOME": str(java),
    }
    job = client.submit(urlparse(mesos_url).netloc, jar, "400", flags=["--class", "Pi"], settings=settings)
    (application,) = spark.waits(job, "application <(.*)>")
    running = until(lambda: len(found := spark.executors(ecs, application)) == 2 and found, "two executors run", 60)
    spark.waits(job, r"Finished task 0\.0 in stage")
    containers = [task["containers"][0]["runtimeId"] for task in running]
    wanted = "{{.Config.Image}} {{range .Mounts}}{{.Destination}}={{.RW}} {{end}}"
    shown = subprocess.run(["docker", "inspect", *containers, "--format", wanted], capture_output=True, text=True, check=True)
    seen = shown.stdout.splitlines()
    assert len(seen) == 2 and all(line.startswith(image) and all(f" {folder}=false" in line for folder in mounted) for line in seen), seen
    assert job.ended(120) == 0, job.said()
    assert "Pi is roughly <3.14" in spark.said(job) and spark.is_well(job), job.said()
    until(lambda: spark.framework(mesos_url, application), "the framework is torn down", 20)
