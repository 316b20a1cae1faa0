"""Pages of strangers, in a real browser on the machine that the server runs on: nothing changes, and they read nothing.

Each attempt is one that pages can make: requests that need nobody's leave (forms, images, frames, navigations, requests without
CORS), requests that ask first, sockets, and a page whose own name turns into the address of the server.
"""

import json
import os
import socket
import time
import urllib.request

import boto3
import pytest

from harness import browser
from harness.server import CREDENTIALS, REGION, Started, runtime

if not browser.program():
    pytest.skip("there is no chromium here that runs", allow_module_level=True)
BINARY = os.environ.get("LONGSHORE_BIN")
if not BINARY:
    pytest.skip("the server must be one of our own (LONGSHORE_BIN)", allow_module_level=True)

# Once more for a machine that is busy: a browser is a dozen processes.
pytestmark = pytest.mark.timeout(180)

TARGET = "AmazonEC2ContainerServiceV20141113"
SUBSCRIBE = {"type": "SUBSCRIBE", "subscribe": {"framework_info": {"user": "u", "name": "evil"}}}
ADD = {"instances": [{"count": 1, "instanceType": "x", "cpu": 1, "memoryMib": 4}]}

# A script that makes attempts one after the other and reports what came of each: `read: ...` if the page saw the answer.
SCRIPT = """
const outcomes = {};
const soon = (ms) => new Promise((done) => setTimeout(done, ms));
async function attempt(name, act) {
  try {
    outcomes[name] = String(await Promise.race([act(), soon(6000).then(() => 'silence')]));
  } catch (error) {
    outcomes[name] = 'failed: ' + error;
  }
}
const seen = async (response) =>
  response.type === 'opaque' ? 'opaque' : 'read: ' + response.status + ' ' + (await response.text()).slice(0, 400);
const ask = (url, options) => async () => seen(await fetch(url, options));
const element = (tag, attributes) => () => new Promise((done) => {
  const made = document.createElement(tag);
  made.onload = () => done('loaded');
  made.onerror = () => done('refused');
  Object.assign(made, attributes);
  document.body.append(made);
});
const form = (action, fields, enctype) => () => new Promise((done) => {
  const frame = document.createElement('iframe');
  frame.name = 'f' + Math.random();
  const made = document.createElement('form');
  Object.assign(made, {action, method: 'POST', target: frame.name, enctype: enctype || 'application/x-www-form-urlencoded'});
  for (const [name, value] of Object.entries(fields)) {
    const input = document.createElement('input');
    Object.assign(input, {name, value});
    made.append(input);
  }
  document.body.append(frame, made);
  frame.onload = () => {
    let inside;
    try { inside = frame.contentDocument && frame.contentDocument.body.innerText; } catch (error) { inside = null; }
    done(inside ? 'read: ' + inside : 'sent');
  };
  made.submit();
});
const frame = (url) => () => new Promise((done) => {
  const made = document.createElement('iframe');
  made.src = url;
  made.onload = () => {
    let inside;
    try { inside = made.contentDocument && made.contentDocument.body.innerText; } catch (error) { inside = null; }
    done(inside ? 'read: ' + inside : 'closed');
  };
  document.body.append(made);
});
const channel = (made) => new Promise((done) => {
  made.onopen = () => done('read: open');
  made.onmessage = (event) => done('read: ' + event.data);
  made.onerror = () => done('refused');
});
const feed = (url) => () => channel(new EventSource(url));
const socket = (url) => () => channel(new WebSocket(url));
const beacon = (url, body) => async () => navigator.sendBeacon(url, new URLSearchParams(body));
"""


def page(attempts, report, last=""):
    steps = "\n".join(f"await attempt({json.dumps(name)}, {act});" for name, act in attempts.items())
    return f"""<!doctype html><meta charset=utf-8><body><script>{SCRIPT}
(async () => {{
{steps}
await fetch({json.dumps(report)}, {{method: 'POST', mode: 'no-cors', body: JSON.stringify(outcomes)}});
{last}
}})();
</script>"""


JSON_1_0, JSON_1_1 = "application/x-amz-json-1.0", "application/x-amz-json-1.1"
FORM = "application/x-www-form-urlencoded"


def js(function, *arguments):
    """A call in JavaScript."""
    return f"{function}({', '.join(json.dumps(argument) for argument in arguments)})"


def post(url, body, kind=None, target=None, mode="no-cors"):
    body = body if isinstance(body, str) else json.dumps(body)
    sent = {"Content-Type": kind, "X-Amz-Target": target}
    headers = {name: value for name, value in sent.items() if value}
    return js("ask", url, {"method": "POST", "mode": mode, "headers": headers, "body": body})


def attempts_on(ecs, mesos, metadata, tag="evil"):
    """What a page tries on these ports, by name; what it makes is called after the tag."""
    create = f"{ecs}/?Action=CreateQueue&QueueName={tag}-"
    queue = {"Action": "CreateQueue", "QueueName": f"{tag}-form"}
    rule = {"Name": tag, "EventPattern": '{"source": ["aws.ecs"]}'}
    # A form of text that is JSON: its name holds the beginning, its value the end.
    text = {json.dumps(SUBSCRIBE)[:-1] + ', "x": "': '"}'}
    cluster = {"clusterName": tag}
    scheduler, added = f"{mesos}/api/v1/scheduler", f"{ecs}/longshore/v1/instances"
    sockets = ecs.replace("http", "ws"), mesos.replace("http", "ws")
    tries = {
        "form": js("form", f"{ecs}/", queue),
        "form of text": js("form", scheduler, text, "text/plain"),
        "form without CORS": post(f"{ecs}/", f"Action=CreateQueue&QueueName={tag}-post", FORM),
        "text without CORS": post(f"{ecs}/", cluster, "text/plain"),
        "beacon": js("beacon", f"{ecs}/", f"Action=CreateQueue&QueueName={tag}-beacon"),
        "image": js("element", "img", {"src": f"{create}image"}),
        "script": js("element", "script", {"src": f"{create}script"}),
        "style sheet": js("element", "link", {"rel": "stylesheet", "href": f"{create}style"}),
        "frame that acts": js("frame", f"{create}frame"),
        "get without CORS": js("ask", f"{create}get", {"mode": "no-cors"}),
        "ECS": post(f"{ecs}/", cluster, JSON_1_1, f"{TARGET}.CreateCluster", "cors"),
        "EventBridge": post(f"{ecs}/", rule, JSON_1_1, "AWSEvents.PutRule", "cors"),
        "SQS": post(f"{ecs}/", {"QueueName": f"{tag}-json"}, JSON_1_0, "AmazonSQS.CreateQueue", "cors"),
        "instances": post(added, ADD, "application/json", mode="cors"),
        "instances as text": post(added, ADD, "text/plain"),
        "queues": js("ask", f"{ecs}/?Action=ListQueues", {}),
        "health": js("ask", f"{ecs}/longshore/v1/health", {}),
        "feed": js("feed", f"{ecs}/longshore/v1/events"),
        "socket to ECS": js("socket", f"{sockets[0]}/longshore/v1/events"),
        "socket to Mesos": js("socket", f"{sockets[1]}/api/v1/scheduler"),
        "subscribe": post(scheduler, SUBSCRIBE, "application/json", mode="cors"),
        "subscribe as text": post(scheduler, SUBSCRIBE, "text/plain"),
        "state": js("ask", f"{mesos}/state", {}),
        "frame of the state": js("frame", f"{mesos}/state"),
        "script of the state": js("element", "script", {"src": f"{mesos}/state"}),
        "metrics": js("ask", f"{mesos}/metrics/snapshot", {}),
    }
    if metadata is not None:
        tries["metadata"] = js("ask", f"{metadata}/v4/x/task", {})
        tries["frame of metadata"] = js("frame", f"{metadata}/v4/x/task")
    return tries


class Victim:
    """A server of our own with all its ports, and what is in it."""

    def __init__(self):
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        # Without the master's own queue: every queue is somebody's doing.
        flags = ("--without-events", "--metadata-port", str(port))
        self.started = Started(BINARY, *flags, instances="1", zones=["us-east-1a"])
        self.ecs, self.mesos = self.started.server.ecs, self.started.server.mesos
        self.metadata = None if runtime() == "simulated" else f"http://127.0.0.1:{port}"

    def client(self, service):
        keys = {name.lower(): value for name, value in CREDENTIALS.items()}
        return boto3.client(service, region_name=REGION, endpoint_url=self.ecs, **keys)

    def traces(self):
        """All that attempts would have changed."""
        with urllib.request.urlopen(self.mesos + "/frameworks", timeout=10) as reply:
            frameworks = json.load(reply)
        ecs = self.client("ecs")
        return {
            "clusters": ecs.list_clusters()["clusterArns"],
            "instances": ecs.list_container_instances()["containerInstanceArns"],
            "queues": self.client("sqs").list_queues().get("QueueUrls", []),
            "rules": self.client("events").list_rules()["Rules"],
            "frameworks": frameworks["frameworks"] + frameworks["completed_frameworks"],
        }


@pytest.fixture(scope="module")
def victim():
    made = Victim()
    yield made
    made.started.stop()


def outcomes(site, host):
    with browser.Browser(site.url(host)) as opened:
        return site.wait(opened)


def site_with(attempts, last=""):
    """A site whose page makes the attempts; it reports under the name that it has."""
    return browser.Site(page(attempts, "/report", last))


def test_the_attempts_are_real():
    """Somebody who answers everything is called, and read, in every way."""
    naive = browser.Naive()
    url = f"http://127.0.0.1:{naive.port}"
    attempts = attempts_on(url, url, url)
    site = site_with(attempts)
    try:
        told = outcomes(site, "hostile.example")
    finally:
        site.close()
        naive.close()
    assert told.keys() == attempts.keys()
    asked = "\n".join(naive.asked)
    for name in ("form", "post", "beacon", "image", "script", "style", "frame", "get"):
        assert f"QueueName=evil-{name}" in asked, (name, told)
    for path in ("/api/v1/scheduler", "/longshore/v1/instances", "/longshore/v1/events", "/state", "/v4/x/task"):
        assert path in asked, (path, told)
    assert '"QueueName": "evil-json"' in asked, told
    for name in ("queues", "state", "subscribe", "ECS", "metadata"):
        assert told[name].startswith("read: 200"), (name, told)


# Another site, another port of the same host, and the other name of this machine.
@pytest.mark.parametrize("host", ["hostile.example", "127.0.0.1", "localhost"])
def test_pages_of_other_origins_change_nothing_and_read_nothing(victim, host):
    before = victim.traces()
    attempts = attempts_on(victim.ecs, victim.mesos, victim.metadata, host.replace(".", "-"))
    site = site_with(attempts)
    try:
        told = outcomes(site, host)
    finally:
        site.close()
    assert told.keys() == attempts.keys()
    assert not [name for name, outcome in told.items() if outcome.startswith("read")], told
    assert victim.traces() == before


@pytest.mark.parametrize("action", ["navigation", "form"])
def test_a_page_that_leads_the_browser_there_changes_nothing(victim, action):
    before = victim.traces()
    address = victim.ecs + "/"
    if action == "navigation":
        last = f"location = {json.dumps(address + '?Action=CreateQueue&QueueName=navigation')};"
    else:
        last = f"""document.body.innerHTML = '<form method=POST action={address}><input name=Action value=CreateQueue>'
            + '<input name=QueueName value=top></form>'; document.forms[0].submit();"""
    site = site_with({}, last)
    try:
        with browser.Browser(site.url("hostile.example")) as opened:
            site.wait(opened)
            # The page has gone; what it led to takes a moment.
            time.sleep(3)
    finally:
        site.close()
    assert victim.traces() == before


def test_a_page_whose_name_turns_into_our_address_changes_nothing_and_reads_nothing(victim):
    before = victim.traces()
    for port in filter(None, (victim.ecs, victim.mesos, victim.metadata)):
        listener = browser.Site("")
        # Its own origin all along: every request is allowed, and every answer can be read.
        tries = attempts_on("", "", "", "rebinding")
        tries = {name: act for name, act in tries.items() if not act.startswith(("feed", "socket"))}
        switch = {"switch": "async () => { await fetch('/switch'); await soon(500); return 'switched'; }"}
        report = listener.url("reporter.example", "/report")
        rebinding = browser.Rebinding(page(switch | tries, report), int(port.rpartition(":")[2]))
        try:
            with browser.Browser(rebinding.url("rebinding.example")) as opened:
                told = listener.wait(opened)
        finally:
            rebinding.close()
            listener.close()
        assert told.pop("switch") == "switched", told
        answers = [outcome for outcome in told.values() if outcome.startswith("read: ")]
        assert answers, told
        for answer in answers:
            assert "--allow-host rebinding.example" in answer, (port, told)
    assert victim.traces() == before


def test_a_page_that_was_allowed_can_call_and_read():
    """The refusals are ours: what the flag allows is served."""
    site = browser.Site("")
    origin = site.url("friend.example", "")
    started = Started(BINARY, "--without-events", "--allow-origin", origin)
    body = json.dumps({"clusterName": "friend"})
    ecs, mesos = started.server.ecs, started.server.mesos
    attempts = {
        "call": post(f"{ecs}/", body, JSON_1_1, f"{TARGET}.CreateCluster", "cors"),
        "read": js("ask", f"{mesos}/state", {}),
    }
    friend = page(attempts, "/report")
    site.close()
    try:
        told = serve_on(site.port, friend, "friend.example")
    finally:
        started.stop()
    assert told["call"].startswith("read: 200") and "friend" in told["call"], told
    assert told["read"].startswith("read: 200"), told


def serve_on(port, served, host):
    """As a site on a port that was chosen before."""
    site = browser.Site(served, port)
    try:
        return outcomes(site, host)
    finally:
        site.close()
