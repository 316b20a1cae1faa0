"""Pods through Marathon's REST API: containers that run together and end together, through the whole program."""

import threading

import pytest
import requests

from harness.marathon import app, post, runs
from harness.wait import holds, until

pytestmark = pytest.mark.process_only

RESOURCES = {"cpus": 0.1, "mem": 32}


def container(name, command="exec sleep 600", **more):
    return {"name": name, "exec": {"command": {"shell": command}}, "resources": RESOURCES, **more}


def pod(name, *containers, instances=1, **more):
    containers = containers or (container("web"), container("side"))
    return {"id": f"/{name}", "containers": list(containers), "scaling": {"kind": "fixed", "instances": instances}, **more}


def create(marathon, definition):
    answer = marathon.call("POST", "pods", json=definition)
    assert answer.status_code == 201, answer.text
    return answer


def status(marathon, name):
    answer = marathon.call("GET", f"pods/{name}::status")
    assert answer.status_code == 200, answer.text
    return answer.json()


def is_stable(marathon, name, count):
    def are_there():
        shown = status(marathon, name)
        states = [one["status"] for one in shown["instances"]]
        return shown["status"] == "STABLE" and states == ["STABLE"] * count

    until(lambda: are_there() and marathon.is_quiet(), f"{count} of {name} are stable, and no deployment is under way", 60)
    return {one["id"]: one for one in status(marathon, name)["instances"]}


def test_a_pod_runs_is_scaled_and_is_deleted(marathon, tmp_path):
    assert requests.head(f"{marathon.url}/v2/pods", timeout=10).status_code == 200
    told = tmp_path / "told"
    web = container(
        "web", f'echo "$MARATHON_CONTAINER_ID $ENDPOINT_HTTP_API $TEAM $OWN" > {told}; exec sleep 600',
        endpoints=[{"name": "http-api", "hostPort": 0, "protocol": ["tcp"]}], environment={"OWN": "web"},
    )
    definition = pod("shop/web", web, container("side"), environment={"TEAM": "blue", "OWN": "pod"}, labels={"tier": "front"})
    created = create(marathon, definition)
    assert created.headers["Location"] == "/v2/pods/shop/web" and created.headers["Marathon-Deployment-Id"]
    assert created.json()["version"] and created.json()["executorResources"] == {"cpus": 0.1, "mem": 32, "disk": 10}
    (instance,) = is_stable(marathon, "shop/web", 1).values()
    assert instance["id"].startswith("shop_web.instance-") and instance["resources"] == {"cpus": 0.3, "mem": 96, "disk": 10, "gpus": 0}
    by_name = {one["name"]: one for one in instance["containers"]}
    assert {one["status"] for one in by_name.values()} == {"TASK_RUNNING"}
    assert by_name["web"]["containerId"] == f"{instance['id']}.web.1"
    (endpoint,) = by_name["web"]["endpoints"]
    until(lambda: told.exists() and told.read_text(), "the container says what it was told")
    assert told.read_text().split() == ["web", str(endpoint["allocatedHostPort"]), "blue", "web"]
    # Apps and pods are apart.
    assert marathon.call("GET", "apps").json()["apps"] == [] and marathon.call("GET", "tasks").json()["tasks"] == []
    for path in ("apps/shop/web", "apps/shop/web/tasks", "apps/shop/web/versions", "pods/none", "pods/none::status", "pods/none::versions"):
        assert marathon.call("GET", path).status_code == 404, path
    assert [one["id"] for one in marathon.call("GET", "pods").json()] == ["/shop/web"]
    assert [one["id"] for one in marathon.call("GET", "pods/::status").json()] == ["/shop/web"]
    # What is shown is what is put: only the number changes, and nothing restarts.
    shown = marathon.call("GET", "pods/shop/web").json()
    shown["scaling"]["instances"] = 2
    answer = marathon.call("PUT", "pods/shop/web", json=shown)
    assert answer.status_code == 200 and answer.headers["Marathon-Deployment-Id"], answer.text
    both = is_stable(marathon, "shop/web", 2)
    assert instance["id"] in both and len({one["containers"][0]["endpoints"][0]["allocatedHostPort"] for one in both.values()}) == 2
    versions = marathon.call("GET", "pods/shop/web::versions").json()
    assert versions == [answer.json()["version"], created.json()["version"]]
    assert marathon.call("GET", f"pods/shop/web::versions/{versions[1]}").json()["scaling"]["instances"] == 1
    answer = marathon.call("DELETE", "pods/shop/web")
    assert answer.status_code == 202 and answer.headers["Marathon-Deployment-Id"]
    assert marathon.call("GET", "pods/shop/web").status_code == 404
    until(lambda: marathon.call("GET", "pods/shop/web::status").status_code == 404, "its instances are gone", 30)


def test_a_new_version_rolls(marathon):
    definition = pod("roll", instances=2, scheduling={"upgrade": {"minimumHealthCapacity": 0.5, "maximumOverCapacity": 0}})
    create(marathon, definition)
    old = is_stable(marathon, "roll", 2)
    fewest, stop = [], threading.Event()

    def watch():
        while not stop.is_set():
            states = [one["status"] for one in status(marathon, "roll")["instances"]]
            fewest.append((states.count("STABLE"), len(states)))

    watcher = threading.Thread(target=watch)
    watcher.start()
    definition["environment"] = {"VERSION": "2"}
    assert marathon.call("PUT", "pods/roll", json=definition).status_code == 200
    seen = []

    def deployment():
        seen.extend(marathon.call("GET", "deployments").json())
        return bool(seen)

    until(deployment, "the deployment is shown", 5, 0.01)
    (first, *_) = seen
    assert first["affectedPods"] == ["/roll"] and first["affectedApps"] == []
    assert first["steps"][0]["actions"] == [{"action": "RestartPod", "pod": "/roll"}]
    new = is_stable(marathon, "roll", 2)
    stop.set()
    watcher.join()
    assert not set(new) & set(old)
    assert min(stable for stable, _ in fewest) >= 1 and max(all_ for _, all_ in fewest) <= 2, fewest


def test_a_container_that_fails_ends_its_group_which_is_replaced(marathon, tmp_path):
    fails = tmp_path / "fails"
    web = container("web", f"while [ ! -e {fails} ]; do sleep 0.1; done; exit 3")
    create(marathon, pod("frail", web, container("side"), scheduling={"backoff": {"backoff": 1}}))
    (old,) = is_stable(marathon, "frail", 1)
    fails.touch()
    until(lambda: status(marathon, "frail")["terminationHistory"], "its end is remembered", 30)
    fails.unlink()
    (new,) = is_stable(marathon, "frail", 1)
    assert new != old
    ended = status(marathon, "frail")["terminationHistory"][-1]
    assert ended["instanceID"] == old and ended["message"] == "Command exited with status 3"
    states = {one["containerId"]: one for one in ended["containers"]}
    assert states[f"{old}.web.1"]["termination"] == {"exitCode": 3, "message": "Command exited with status 3"}
    assert states[f"{old}.side.1"]["lastKnownState"] == "TASK_KILLED"


def test_a_container_that_ends_well_leaves_the_others_alone(marathon):
    create(marathon, pod("init", container("once", "exit 0"), container("stays")))
    (instance,) = is_stable(marathon, "init", 1)
    states = lambda: [one["status"] for one in status(marathon, "init")["instances"][0]["containers"]]
    until(lambda: states() == ["TASK_FINISHED", "TASK_RUNNING"], "the first has ended", 20)
    holds(lambda: list(is_stable(marathon, "init", 1)) == [instance], "the other one stays", 2)


def test_instances_are_killed_and_replaced(marathon):
    create(marathon, pod("killed", instances=2))
    old = sorted(is_stable(marathon, "killed", 2))
    answer = marathon.call("DELETE", f"pods/killed::instances/{old[0]}")
    assert answer.status_code == 200 and answer.json()["instanceId"] == old[0], answer.text
    until(lambda: old[0] not in {one["id"] for one in status(marathon, "killed")["instances"]}, "it is gone", 30)
    new = is_stable(marathon, "killed", 2)
    assert old[1] in new
    answer = marathon.call("DELETE", "pods/killed::instances", json=sorted(new))
    assert sorted(one["instanceId"] for one in answer.json()) == sorted(new)
    until(lambda: not set(new) & {one["id"] for one in status(marathon, "killed")["instances"]}, "they are gone", 30)
    is_stable(marathon, "killed", 2)
    assert marathon.call("DELETE", f"pods/killed::instances/{old[0]}").status_code == 404
    assert marathon.call("DELETE", "pods/killed::instances/x").status_code == 422
    assert marathon.call("DELETE", "pods/killed::instances", json={"a": 1}).status_code == 400


def test_checks_of_containers_decide_whether_a_pod_is_stable(marathon, tmp_path):
    (tmp_path / "well").touch()
    (tmp_path / "exec").touch()
    times = {"gracePeriodSeconds": 0, "intervalSeconds": 2, "timeoutSeconds": 1, "delaySeconds": 0}
    web = container(
        "web", f'cd {tmp_path} && exec python3 -m http.server "$ENDPOINT_HTTP"', endpoints=[{"name": "http", "hostPort": 0}],
        healthCheck={"http": {"endpoint": "http", "path": "/well"}, "maxConsecutiveFailures": 0, **times},
    )
    side = container("side", healthCheck={"exec": {"command": {"shell": f"test -e {tmp_path}/exec"}}, "maxConsecutiveFailures": 1, **times})
    create(marathon, pod("checked", web, side))
    (instance,) = is_stable(marathon, "checked", 1).values()
    shown = {one["name"]: one for one in instance["containers"]}
    assert shown["web"]["endpoints"][0]["healthy"] is True
    assert [one["value"] for name in ("web", "side") for one in shown[name]["conditions"]] == ["true", "true"]
    # That of the port is made by the scheduler, which was told to end nothing.
    (tmp_path / "well").unlink()
    until(lambda: status(marathon, "checked")["status"] == "DEGRADED", "it is not well", 30)
    (tmp_path / "well").touch()
    assert list(is_stable(marathon, "checked", 1)) == [instance["id"]]
    # That of the command is made in the container, which ends with it, and its group too.
    (tmp_path / "exec").unlink()
    until(lambda: status(marathon, "checked")["terminationHistory"], "its end is remembered", 60)
    (tmp_path / "exec").touch()
    assert list(is_stable(marathon, "checked", 1)) != [instance["id"]]


def test_a_group_has_pods_beside_its_apps(marathon):
    group = {
        "id": "/team", "apps": [app("one")], "pods": [{**pod("x"), "id": "two"}],
        "groups": [{"id": "inner", "pods": [{**pod("x"), "id": "three"}]}],
    }
    assert marathon.call("POST", "groups", json=group).status_code == 201
    runs(marathon, "team/one", 1)
    is_stable(marathon, "team/two", 1)
    is_stable(marathon, "team/inner/three", 1)
    shown = marathon.call("GET", "groups/team").json()
    assert [one["id"] for one in shown["pods"]] == ["/team/two"] and [one["id"] for one in shown["apps"]] == ["/team/one"]
    assert shown["groups"][0]["pods"][0]["id"] == "/team/inner/three"
    # Scaling is for apps; pods stay as they are.
    assert marathon.call("PUT", "groups/team", json={"scaleBy": 2}).status_code == 200
    runs(marathon, "team/one", 2)
    assert marathon.call("GET", "pods/team/two").json()["scaling"]["instances"] == 1
    twice = {"apps": [app("same")], "pods": [{**pod("x"), "id": "same"}]}
    assert marathon.call("PUT", "groups/team", json=twice).status_code == 422
    # What a group says nothing of it keeps; what it says, if only that there is nothing, is all.
    kept = marathon.call("PUT", "groups/team?dryRun=true&force=true", json={"apps": [app("one", instances=2)]})
    assert kept.json() == {"steps": []}, kept.text
    assert marathon.call("PUT", "groups/team", json={**group, "groups": []}).status_code == 200
    until(lambda: marathon.call("GET", "pods/team/inner/three::status").status_code == 404, "it is gone", 30)
    until(marathon.is_quiet, "the deployment is done", 30)
    assert marathon.call("DELETE", "groups/team").status_code == 200
    until(lambda: marathon.call("GET", "pods/::status").json() == [], "all pods are gone", 30)


def test_what_cannot_be_is_refused_and_named(marathon):
    post(marathon, "app")
    create(marathon, pod("pod", instances=0))
    assert marathon.call("POST", "pods", json=pod("pod")).status_code == 409
    assert marathon.call("POST", "pods", json=pod("app")).status_code == 409
    assert marathon.call("POST", "apps", json=app("pod")).status_code == 409
    assert marathon.call("PUT", "pods/app", json=pod("app")).status_code == 409
    assert marathon.call("PUT", "apps/pod", json={"cmd": "x"}).status_code == 409
    assert marathon.call("DELETE", "apps/pod").status_code == 404 and marathon.call("DELETE", "pods/app").status_code == 404
    assert marathon.call("PUT", "pods/pod", json=pod("other")).status_code == 400
    assert marathon.call("POST", "pods", data="{").status_code == 400
    for more, path in [
        ({"networks": [{"mode": "container", "name": "dcos"}]}, "/networks(0)/mode"),
        ({"containers": [container("Web")]}, "/containers(0)/name"),
        ({"containers": [container("web", image={"kind": "DOCKER", "id": "nginx", "pullConfig": {"secret": "s"}})]}, "/containers(0)/image/pullConfig"),
        ({"volumes": [{"name": "v", "persistent": {"size": 10}}]}, "/volumes(0)/persistent"),
        ({"surprise": 1}, "/surprise"),
    ]:
        answer = marathon.call("POST", "pods", json={**pod("wrong"), **more})
        assert answer.status_code == 422, answer.text
        assert [one["path"] for one in answer.json()["details"]] == [path], answer.text
    # What nobody offers waits, and the queue says so.
    create(marathon, pod("large", {**container("web"), "resources": {"cpus": 10_000, "mem": 32}}))

    def waits():
        queue = marathon.call("GET", "queue").json()["queue"]
        return [one["count"] for one in queue if one.get("pod", {}).get("id") == "/large"] == [1]

    until(waits, "it is in the queue", 20)
    locked = marathon.call("PUT", "pods/large", json=pod("large"))
    assert locked.status_code == 409 and locked.json()["deployments"], locked.text
    assert marathon.call("PUT", "pods/large?force=true", json=pod("large", instances=0)).status_code == 200


def test_instances_outlive_a_scheduler_that_is_killed(marathon):
    create(marathon, pod("kept", instances=2))
    before = sorted(is_stable(marathon, "kept", 2))
    marathon.kill()
    marathon.start()
    assert sorted(is_stable(marathon, "kept", 2)) == before
    # Killed in the middle of a change, it goes on with it.
    assert marathon.call("PUT", "pods/kept", json=pod("kept", instances=3)).status_code == 200
    marathon.kill()
    marathon.start()
    assert set(before) < set(is_stable(marathon, "kept", 3))


def test_events_tell_of_pods_their_tasks_and_their_instances(marathon):
    types = ("pod_created_event", "pod_updated_event", "pod_deleted_event", "status_update_event", "instance_changed_event")
    url = f"{marathon.url}/v2/events?" + "&".join(f"event_type={one}" for one in types)
    told, followed = [], threading.Event()

    def follow():
        with requests.get(url, stream=True, timeout=60, headers={"Accept": "text/event-stream"}) as answer:
            followed.set()
            for line in answer.iter_lines(decode_unicode=True):
                if line.startswith("event: "):
                    told.append(line.removeprefix("event: "))
                    if told[-1] == "pod_deleted_event":
                        return

    reader = threading.Thread(target=follow, daemon=True)
    reader.start()
    assert followed.wait(10)
    create(marathon, pod("told"))
    is_stable(marathon, "told", 1)
    assert marathon.call("PUT", "pods/told", json=pod("told", instances=0)).status_code == 200
    until(marathon.is_quiet, "it has no instance", 30)
    assert marathon.call("DELETE", "pods/told").status_code == 202
    reader.join(20)
    assert [told.count(f"pod_{word}_event") for word in ("created", "updated", "deleted")] == [1, 1, 1], told
    assert told.count("status_update_event") > told.count("instance_changed_event") >= 2, told
