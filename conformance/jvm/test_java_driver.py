"""The contract of the SchedulerDriver, as Java sees it through our library: jars of four generations, and the checks of the JVM."""

import subprocess
from urllib.parse import urlparse

import pytest

from harness import jvm
from harness.clients import Quiet

pytestmark = pytest.mark.process_only


@pytest.fixture(scope="module", params=list(jvm.GENERATIONS))
def path(request, tmp_path_factory):
    jvm.library()
    return jvm.classes(request.param, tmp_path_factory.mktemp("classes"))


@pytest.fixture
def run(mesos_url, path, quiet_after):
    def start(scenario, *flags, master=urlparse(mesos_url).netloc):
        return Quiet(["java", "-Xcheck:jni", *flags, "-cp", path, "Harness", scenario, master], env=jvm.environment())

    return start


@pytest.mark.parametrize("scenario", ["tasks", "states", "wrong", "nulls", "many", "threads", "memory"])
def test_the_contract_holds(run, scenario):
    harness = run(scenario)
    assert harness.ended(90) == 0, harness.said()
    said = harness.said()
    assert said.rstrip().endswith("done") and jvm.is_quiet(said), said


def test_an_exception_in_a_callback_is_described_and_aborts_the_driver(run):
    harness = run("exception")
    assert harness.ended(60) == 0, harness.said()
    assert "java.lang.IllegalStateException: thrown on purpose" in harness.said()
    assert jvm.is_quiet(harness.said()), harness.said()


def test_local_is_an_ecs_that_is_started_for_the_driver(run):
    harness = run("tasks", master="local")
    assert harness.ended(90) == 0, harness.said()
    assert harness.said().rstrip().endswith("done") and jvm.is_quiet(harness.said()), harness.said()


def test_the_jvm_exits_when_it_wants_to(run):
    # In the middle of a callback, and with a driver that was never stopped.
    inside = run("exit")
    assert inside.ended(60) == 7, inside.said()
    around = run("end")
    assert around.ended(60) == 0, around.said()


def test_all_native_methods_of_the_scheduler_driver_are_there():
    symbols = subprocess.run(["nm", "-D", "--defined-only", jvm.library()], capture_output=True, text=True, check=True).stdout
    driver = "Java_org_apache_mesos_MesosSchedulerDriver_"
    filters = "Lorg_apache_mesos_Protos_00024Filters_2"
    collection = "Ljava_util_Collection_2"
    wanted = [
        "initialize", "finalize", "start", "stop", "abort", "join", "requestResources", "killTask", "declineOffer", "reviveOffers__",
        f"reviveOffers__{collection}", "suppressOffers__", f"suppressOffers__{collection}", "acknowledgeStatusUpdate",
        "sendFrameworkMessage", "reconcileTasks", "updateFramework", "updateFrameworkWithConstraints",
        f"launchTasks__Lorg_apache_mesos_Protos_00024OfferID_2{collection}{filters}", f"launchTasks__{collection}{collection}{filters}",
        f"acceptOffers__{collection}{collection}{filters}",
    ]
    there = {line.split()[-1] for line in symbols.splitlines()}
    missing = [name for name in wanted if driver + name not in there]
    assert not missing
    assert {"JNI_OnLoad", "Java_org_apache_mesos_MesosNativeLibrary__1version"} <= there
    # A short name would be taken for both overloads.
    assert driver + "reviveOffers" not in there and driver + "launchTasks" not in there
