"""With access keys every request is signed with one of them, whichever protocol and client it comes by."""

import json
import os
import subprocess
import tempfile

import boto3
import botocore.auth
import botocore.awsrequest
import botocore.credentials
import pytest
import requests
from botocore.exceptions import ClientError

from harness.ecs import TARGET
from harness.server import REGION, Started

KEY, SECRET = "AKIDOFTHETEAM", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
SERVICES = {
    "ecs": ("list_clusters", "clusterArns"),
    "sqs": ("list_queues", "ResponseMetadata"),
    "events": ("list_rules", "Rules"),
}


@pytest.fixture(scope="module")
def guarded(server):
    """A server of our own with a key, which comes from a file."""
    if not server.started:
        pytest.skip("the server must be one of our own (LONGSHORE_BIN)")
    with tempfile.NamedTemporaryFile("w", prefix="longshore-keys-") as keys:
        keys.write(f"# of the team\n{KEY}:{SECRET}\n")
        keys.flush()
        started = Started(os.environ["LONGSHORE_BIN"], "--access-keys-file", keys.name)
    yield started.server
    started.stop()


def client(server, service, key=KEY, secret=SECRET):
    return boto3.client(
        service, region_name=REGION, endpoint_url=server.ecs,
        aws_access_key_id=key, aws_secret_access_key=secret,
    )


def signed(server, method, path, body=b"", secret=SECRET, service="ecs", **headers):
    """A request that botocore signs, sent as it was signed."""
    request = botocore.awsrequest.AWSRequest(method, server.ecs + path, headers, body)
    keys = botocore.credentials.Credentials(KEY, secret)
    botocore.auth.SigV4Auth(keys, service, REGION).add_auth(request)
    return requests.request(
        method, server.ecs + path, data=body, headers=dict(request.headers), timeout=20, stream=True,
    )


@pytest.mark.parametrize("service", SERVICES)
def test_the_client_library_is_served_with_the_key_and_refused_with_another(guarded, service):
    operation, member = SERVICES[service]
    assert member in getattr(client(guarded, service), operation)()
    for key, secret in ((KEY, "other"), ("OTHER", SECRET)):
        with pytest.raises(ClientError) as refused:
            getattr(client(guarded, service, key, secret), operation)()
        code = refused.value.response["Error"]["Code"]
        # In SQS the older names of errors go with the newer ones, without "Exception".
        assert code.startswith(("InvalidSignature", "UnrecognizedClient")), code


def test_the_query_protocol_is_signed_too(guarded):
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    body = "Action=ListQueues&Version=2012-11-05"
    assert signed(guarded, "POST", "/", body, service="sqs", **form).status_code == 200
    assert requests.post(guarded.ecs + "/", data=body, headers=form, timeout=20).status_code == 400
    assert signed(guarded, "GET", f"/?{body}", service="sqs").status_code == 200
    refused = signed(guarded, "POST", "/", body, secret="other", service="sqs", **form)
    assert refused.status_code == 400 and "InvalidSignature" in refused.text


def test_what_ecs_has_no_api_for_is_signed_as_the_api_is(guarded):
    pattern = "pattern=%7B%22source%22%3A%20%5B%22aws.ecs%22%5D%7D&cluster=default"
    feed = signed(guarded, "GET", f"/longshore/v1/events?{pattern}")
    assert feed.status_code == 200
    feed.close()
    assert signed(guarded, "GET", "/longshore/v1/tasks/" + "0" * 32 + "/logs/main").status_code == 404
    body = json.dumps({"instances": [{"count": 1, "instanceType": "x", "cpu": 64, "memoryMib": 64}]})
    add = ("POST", "/longshore/v1/instances", body)
    kind = {"Content-Type": "application/json"}
    assert len(signed(guarded, *add, **kind).json()["instances"]) == 1
    for refused in (
        requests.get(f"{guarded.ecs}/longshore/v1/events?{pattern}", timeout=20),
        requests.post(guarded.ecs + add[1], data=body, headers=kind, timeout=20),
        signed(guarded, "GET", f"/longshore/v1/events?{pattern}", secret="other"),
        signed(guarded, *add, secret="other", **kind),
    ):
        assert refused.status_code == 403, refused.text


def test_an_operation_that_was_not_signed_is_not_done(guarded):
    """Whoever is on the way cannot turn one operation into another."""
    request = botocore.awsrequest.AWSRequest("POST", guarded.ecs + "/", {}, b"{}")
    keys = botocore.credentials.Credentials(KEY, SECRET)
    botocore.auth.SigV4Auth(keys, "ecs", REGION).add_auth(request)
    more = {"X-Amz-Target": f"{TARGET}.CreateCluster", "Content-Type": "application/x-amz-json-1.1"}
    reply = requests.post(
        guarded.ecs + "/", data=b"{}", headers={**dict(request.headers), **more}, timeout=20
    )
    assert reply.status_code == 400
    assert reply.json()["__type"] == "InvalidSignatureException", reply.text
    assert "x-amz-target" in reply.json()["message"]


def test_curl_can_sign(guarded):
    """What people have at hand."""
    curl = [
        "curl", "--silent", "--fail", "--aws-sigv4", f"aws:amz:{REGION}:ecs", "--user", f"{KEY}:{SECRET}",
        "--header", f"X-Amz-Target: {TARGET}.ListClusters",
        "--header", "Content-Type: application/x-amz-json-1.1", "--data", "{}", guarded.ecs + "/",
    ]
    try:
        done = subprocess.run(curl, capture_output=True, text=True, timeout=20)
    except FileNotFoundError:
        pytest.skip("there is no curl here")
    if done.returncode == 2:
        pytest.skip("this curl cannot sign")
    assert done.returncode == 0, done.stderr
    assert "clusterArns" in json.loads(done.stdout)
