"""The slides as they were shown, on AWS: ecs-cli makes a cluster, Blox is reached through a stack, and the daemon follows as the cluster grows.

The calls are those of ecs-cli 1.21 and of Blox's scripts (`--apigateway --stack Blox`), sent by the AWS SDK and the AWS CLI. With
LONGSHORE_ECS_CLI (a program) ecs-cli is run itself, and with LONGSHORE_BLOX_SCRIPTS (the folder deploy/demo-cli) the scripts are, by the
Python 2.7 that LONGSHORE_PYTHON2 names.
"""

import json
import os
import shutil
import subprocess
import time

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from harness.ecs import Ecs, shell
from harness.server import CREDENTIALS, REGION, Started
from harness.tls import Proxy
from harness.wait import until

pytestmark = [pytest.mark.process_only, pytest.mark.executes]

FREE = "127.0.0.1:0"
HOSTS = [f"{name}.{REGION}.amazonaws.com" for name in ("ecs", "ec2", "ssm", "cloudformation")]
STACK = "amazon-ecs-cli-setup-WebCluster"
TEMPLATE = json.dumps({"Resources": {"EcsInstanceAsg": {"Type": "AWS::AutoScaling::AutoScalingGroup"}}})


@pytest.fixture(scope="module")
def dev(server):
    if not server.started:
        pytest.skip("needs a longshore program of our own (LONGSHORE_BIN)")
    allowed = [word for host in HOSTS for word in ("--allow-host", host)]
    listen = ["--blox-listen", FREE, "--cluster-state-listen", FREE, "--marathon-listen", FREE, "--chronos-listen", FREE]
    started = Started(os.environ["LONGSHORE_BIN"], *listen, *allowed)
    yield started
    started.stop()


def of(dev, service):
    return boto3.client(
        service, endpoint_url=dev.ready["ecs"], region_name=REGION, aws_access_key_id="test", aws_secret_access_key="test",
        config=Config(retries={"max_attempts": 0}),
    )


def parameters(**values):
    return [{"ParameterKey": key, "ParameterValue": value} for key, value in values.items()]


def up(stacks, size, kind="t2.micro"):
    return stacks.create_stack(
        StackName=STACK, TemplateBody=TEMPLATE, Capabilities=["CAPABILITY_IAM"],
        Parameters=parameters(
            EcsCluster="WebCluster", AsgMaxSize=str(size), EcsInstanceType=kind, KeyName="admin", EcsAmiId="ami-1"
        ),
    )


def at(stacks, status):
    return lambda: stacks.describe_stacks(StackName=STACK)["Stacks"][0]["StackStatus"] == status


def scale(stacks, size):
    """As ecs-cli does it: whatever there is keeps its value, except the size."""
    kept = stacks.describe_stacks(StackName=STACK)["Stacks"][0]["Parameters"]
    new = [{"ParameterKey": one["ParameterKey"], "UsePreviousValue": True} for one in kept]
    for one in new:
        if one["ParameterKey"] == "AsgMaxSize":
            one.update(ParameterValue=str(size), UsePreviousValue=False)
    stacks.update_stack(StackName=STACK, UsePreviousTemplate=True, Parameters=new, Capabilities=["CAPABILITY_IAM"])


def instances(dev, cluster="WebCluster"):
    client = of(dev, "ecs")
    arns = client.list_container_instances(cluster=cluster)["containerInstanceArns"]
    return client.describe_container_instances(cluster=cluster, containerInstances=arns)["containerInstances"] if arns else []


def blox(dev, *words):
    """A command of the demo through the stack, with what it printed."""
    done = subprocess.run(
        [os.environ["LONGSHORE_BIN"], "blox", *words, "--apigateway", "--stack", "Blox", "--region", REGION],
        capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL,
        env={**os.environ, **CREDENTIALS, "AWS_ENDPOINT_URL": dev.ready["ecs"]},
    )
    return done.returncode, done.stdout, done.stderr


def printed(dev, *words):
    code, output, errors = blox(dev, *words)
    assert code == 0, output + errors
    title, _, rest = output.partition("\n")
    status, _, text = rest.lstrip("\n").partition("\n")
    assert status == "HTTP Response Code: 200", output
    return title, json.loads(text)


def aws(dev, *words):
    """The AWS CLI, as Blox's scripts call it."""
    program = os.path.join(os.environ["LONGSHORE_CONFORMANCE_VENV"], "bin", "aws")
    done = subprocess.run(
        [program, "--output", "json", "--region", REGION, "--endpoint-url", dev.ready["ecs"], *words],
        capture_output=True, text=True, timeout=60, env={**os.environ, **CREDENTIALS},
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_slides(dev):
    ecs, stacks = Ecs(dev.server.ecs, "WebCluster"), of(dev, "cloudformation")
    of(dev, "ecs").create_cluster(clusterName="WebCluster")
    up(stacks, 3)
    until(at(stacks, "CREATE_COMPLETE"), "the stack is there")
    there = instances(dev)
    kinds = {one["value"] for each in there for one in each["attributes"] if one["name"] == "ecs.instance-type"}
    assert len(there) == 3 and kinds == {"t2.micro"}
    nginx = ecs.register(shell("exec sleep 600", "nginx"), family="nginx")["taskDefinitionArn"]

    title, made = printed(
        dev, "create-environment", "--environment", "WebEnvironment", "--cluster", "WebCluster", "--task-definition", nginx
    )
    assert title == "== Blox Demo CLI - Create Blox Environment ==" and made["health"] == "healthy"
    assert printed(dev, "list-environments") == ("== Blox Demo CLI - List Blox Environments ==", {"items": [made]})
    token = made["deploymentToken"]
    title, deployed = printed(
        dev, "create-deployment", "--environment", "WebEnvironment", "--deployment-token", token
    )
    assert title == "== Blox Demo CLI - Create Blox Deployment ==" and deployed["status"] == "pending"

    def completed():
        title, listed = printed(dev, "list-deployments", "--environment", "WebEnvironment")
        assert title == "== Blox Demo CLI - List Blox Deployments =="
        return listed == {"items": [{**deployed, "status": "completed"}]}

    until(completed, "the deployment completes")
    tasks = lambda: ecs.client.list_tasks(cluster="WebCluster", startedBy=deployed["id"])["taskArns"]
    assert len(tasks()) == 3

    scale(stacks, 4)
    began = time.monotonic()
    until(lambda: len(tasks()) == 4, "the fourth instance has its task")
    assert time.monotonic() - began < 1.5
    until(at(stacks, "UPDATE_COMPLETE"), "the update has ended")
    assert stacks.describe_stack_events(StackName=STACK)["StackEvents"][0]["ResourceStatus"] == "UPDATE_COMPLETE"
    scale(stacks, 1)
    until(at(stacks, "UPDATE_COMPLETE"), "the update has ended")
    until(lambda: len(tasks()) == 1 and len(instances(dev)) == 1, "three instances are gone, and their tasks")

    stacks.delete_stack(StackName=STACK)

    def gone():
        try:
            stacks.describe_stacks(StackName=STACK)
        except ClientError as error:
            assert error.response["Error"] == {"Type": "Sender", "Code": "ValidationError", "Message": f"Stack with id {STACK} does not exist"}
            return True

    until(gone, "the stack is gone")
    assert instances(dev) == []
    ended = stacks.list_stacks(StackStatusFilter=["DELETE_COMPLETE"])["StackSummaries"]
    assert [one["StackName"] for one in ended] == [STACK]


def test_the_commands_of_blox_s_scripts(dev):
    api = aws(dev, "cloudformation", "describe-stack-resource", "--stack-name", "Blox", "--logical-resource-id", "RestApi")
    resource = aws(dev, "cloudformation", "describe-stack-resource", "--stack-name", "Blox", "--logical-resource-id", "ApiResource")
    invoke = [
        "apigateway", "test-invoke-method", "--rest-api-id", api["StackResourceDetail"]["PhysicalResourceId"], "--resource-id",
        resource["StackResourceDetail"]["PhysicalResourceId"], "--headers", "{}",
    ]
    body = json.dumps({"name": "of-a-script", "instanceGroup": {"cluster": "default"}, "taskDefinition": "none:1"})
    answer = aws(dev, *invoke, "--http-method", "POST", "--path-with-query-string", "/v1/environments", "--body", body)
    assert answer["status"] == 404 and answer["body"] == "Unable to describe task definition.\n"
    answer = aws(dev, *invoke, "--http-method", "GET", "--path-with-query-string", "/v1/environments?cluster=default")
    assert answer["status"] == 200 and json.loads(answer["body"]) == {"items": []}


def test_blox_s_scripts_themselves(dev):
    folder, python = os.environ.get("LONGSHORE_BLOX_SCRIPTS"), os.environ.get("LONGSHORE_PYTHON2")
    if not folder or not python:
        pytest.skip("needs the scripts of Blox and Python 2.7 (LONGSHORE_BLOX_SCRIPTS, LONGSHORE_PYTHON2)")
    tools = os.path.join(os.environ["LONGSHORE_CONFORMANCE_VENV"], "bin")
    environment = {
        **os.environ, **CREDENTIALS, "AWS_ENDPOINT_URL": dev.ready["ecs"], "PATH": f"{tools}:{os.environ['PATH']}",
    }

    def run(script, *words):
        done = subprocess.run(
            [python, os.path.join(folder, script + ".py"), *words, "--region", REGION], capture_output=True, text=True,
            timeout=60, env=environment, stdin=subprocess.DEVNULL,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        title, _, rest = done.stdout.partition("\n")
        return title, json.loads(rest[rest.index("{"):])

    ecs = Ecs(dev.server.ecs, "default")
    nginx = ecs.register(shell("exec sleep 600", "nginx"), family="nginx")["taskDefinitionArn"]
    title, listed = run("list-task-definitions")
    assert title == "== Blox Demo CLI - List Task Definitions ==" and nginx in listed["taskDefinitionArns"]
    stack, host = ["--apigateway", "--stack", "Blox"], ["--host", dev.ready["blox"].removeprefix("http://")]
    for name, way in (("OfStack", stack), ("OfHost", host)):
        title, made = run(
            "blox-create-environment", "--environment", name, "--cluster", "default", "--task-definition", nginx, *way
        )
        assert (title, made["name"]) == ("== Blox Demo CLI - Create Blox Environment ==", name)
        title, listed = run("blox-list-environments", *way)
        assert made in listed["items"]
        title, deployed = run(
            "blox-create-deployment", "--environment", name, "--deployment-token", made["deploymentToken"], *way
        )
        assert deployed["status"] == "pending"
        done = [{**deployed, "status": "completed"}]
        until(lambda: run("blox-list-deployments", "--environment", name, *way)[1]["items"] == done, "the deployment completes")
    state = ["--host", dev.ready["clusterState"].removeprefix("http://")]
    title, listed = run("css-list-instances", *state, "--cluster", "default")
    assert title == "== Blox Demo CLI - List Blox Instances ==" and len(listed["items"]) == 3
    title, listed = run("css-list-tasks", *state, "--cluster", "default", "--status", "running")
    assert title == "== Blox Demo CLI - List Blox Tasks ==" and len(listed["items"]) == 6


def test_calls_through_api_gateway_reach_nothing_but_blox(dev):
    gateway, stacks = of(dev, "apigateway"), of(dev, "cloudformation")
    ids = [
        stacks.describe_stack_resource(StackName="Blox", LogicalResourceId=name)["StackResourceDetail"]["PhysicalResourceId"]
        for name in ("RestApi", "ApiResource")
    ]
    invoke = lambda path, **more: gateway.test_invoke_method(
        restApiId=ids[0], resourceId=ids[1], httpMethod="GET", pathWithQueryString=path, **more
    )
    for path in ("http://169.254.169.254/latest", "//host/x", "/v1/a b", "/v1/\r\nHost: x", "v1"):
        with pytest.raises(ClientError) as refused:
            invoke(path)
        assert refused.value.response["Error"]["Code"] == "BadRequestException", path
    with pytest.raises(ClientError) as refused:
        gateway.test_invoke_method(restApiId="other", resourceId=ids[1], httpMethod="GET", pathWithQueryString="/v1")
    assert refused.value.response["Error"]["Code"] == "NotFoundException"


@pytest.mark.parametrize(
    "operation, more, code, word",
    [
        ("create_stack", {"StackName": "mine", "TemplateBody": "{}"}, "ValidationError", "template of ecs-cli"),
        ("create_stack", {"StackName": "mine", "TemplateBody": TEMPLATE}, "ValidationError", "amazon-ecs-cli-setup-"),
        ("create_stack", {"StackName": "Blox", "TemplateBody": TEMPLATE}, "AlreadyExistsException", "Blox"),
        ("create_stack", {"StackName": "x", "TemplateURL": "https://x"}, "ValidationError", "TemplateURL"),
        ("create_change_set", {"StackName": "x", "ChangeSetName": "y"}, "InvalidAction", "CreateChangeSet"),
        ("describe_stacks", {"StackName": "none"}, "ValidationError", "does not exist"),
        ("delete_stack", {"StackName": "Blox"}, "ValidationError", "Blox"),
        ("update_stack", {"StackName": "Blox", "UsePreviousTemplate": True}, "ValidationError", "Blox"),
        ("describe_stack_resource", {"StackName": "Blox", "LogicalResourceId": "X"}, "ValidationError", "RestApi"),
    ],
)
def test_what_a_stack_cannot_be_is_refused_by_name(dev, operation, more, code, word):
    with pytest.raises(ClientError) as refused:
        getattr(of(dev, "cloudformation"), operation)(**more)
    told = refused.value.response["Error"]
    assert told["Code"] == code and word in told["Message"]


def test_a_stack_of_a_cluster_that_is_not_there_fails_and_says_why(dev):
    stacks = of(dev, "cloudformation")
    name = "amazon-ecs-cli-setup-nowhere"
    stacks.create_stack(StackName=name, TemplateBody=TEMPLATE)
    until(
        lambda: stacks.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"] == "CREATE_FAILED", "the stack has failed"
    )
    assert "Cluster not found" in stacks.describe_stacks(StackName=name)["Stacks"][0]["StackStatusReason"]
    stacks.delete_stack(StackName=name)
    left = lambda: [one["StackName"] for one in stacks.describe_stacks()["Stacks"]]
    until(lambda: name not in left(), "there was nothing to terminate")


def test_the_machines_of_instances_and_their_types_are_told(dev):
    ec2 = of(dev, "ec2")
    ids = sorted(one["ec2InstanceId"] for one in instances(dev, "default"))
    told = ec2.describe_instances(InstanceIds=ids)["Reservations"]
    assert sorted(one["InstanceId"] for each in told for one in each["Instances"]) == ids
    offered = ec2.describe_instance_type_offerings(
        LocationType="region", Filters=[{"Name": "location", "Values": [REGION]}]
    )["InstanceTypeOfferings"]
    assert {"InstanceType": "t2.micro", "LocationType": "region", "Location": REGION} in offered
    assert {one["State"]["Name"] for each in told for one in each["Instances"]} == {"running"}
    with pytest.raises(ClientError) as refused:
        ec2.run_instances(ImageId="ami-1", MinCount=1, MaxCount=1)
    assert refused.value.response["Error"]["Code"] == "InvalidAction"
    image = of(dev, "ssm").get_parameter(Name="/aws/service/ecs/optimized-ami/amazon-linux-2/recommended")
    assert json.loads(image["Parameter"]["Value"])["image_id"] == told[0]["Instances"][0]["ImageId"]
    with pytest.raises(ClientError) as refused:
        of(dev, "ssm").get_parameter(Name="/db/password")
    assert refused.value.response["Error"]["Code"] == "ParameterNotFound"


def test_people_scale_without_a_stack(dev):
    def scaled(*words):
        done = subprocess.run(
            [os.environ["LONGSHORE_BIN"], "scale", *words, "--endpoint", dev.ready["ecs"], "--region", REGION],
            capture_output=True, text=True, timeout=60, env={**os.environ, **CREDENTIALS},
        )
        return done.returncode, done.stdout, done.stderr

    code, output, errors = scaled("5")
    assert code == 0, errors
    lines = output.splitlines()
    assert len(lines) == 3 and lines[0].endswith("  added") and lines[-1] == "5 container instances on this machine in default"
    assert scaled("5")[1] == "5 container instances on this machine in default, as before\n"
    code, output, _ = scaled("3")
    assert code == 0 and output.count("  removed") == 2 and len(instances(dev, "default")) == 3
    code, _, errors = scaled("2", "--cluster", "none-such")
    assert code == 1 and "cluster none-such: Cluster not found" in errors
    assert scaled("9999")[0] == 2


def test_ecs_cli_itself(dev, tmp_path):
    program = os.environ.get("LONGSHORE_ECS_CLI")
    if not program or not shutil.which("openssl"):
        pytest.skip("needs ecs-cli 1.21 (LONGSHORE_ECS_CLI) and openssl")
    proxy = Proxy(dev.ready["ecs"])
    environment = {**os.environ, **CREDENTIALS, **proxy.environment, "HOME": str(tmp_path)}

    def run(*words):
        done = subprocess.run([program, *words], capture_output=True, text=True, timeout=120, env=environment)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    ecs = Ecs(dev.server.ecs, "OfEcsCli")
    run("configure", "--cluster", "OfEcsCli", "--region", REGION)
    assert "Cluster creation succeeded" in run(
        "up", "--keypair", "admin", "--capability-iam", "--size", "3", "--instance-type", "t2.micro"
    )
    nginx = ecs.register(shell("exec sleep 600", "nginx"), family="nginx")["taskDefinitionArn"]
    environment_of = ["--environment", "OfEcsCli"]
    _, made = printed(dev, "create-environment", *environment_of, "--cluster", "OfEcsCli", "--task-definition", nginx)
    printed(dev, "create-deployment", *environment_of, "--deployment-token", made["deploymentToken"])
    running = lambda: [line for line in run("ps").splitlines() if "RUNNING" in line and "nginx:" in line]
    until(lambda: len(running()) == 3, "three tasks run")
    run("scale", "--size", "4", "--capability-iam")
    until(lambda: len(running()) == 4, "the fourth instance has its task")
    deleted = blox(dev, "delete-environment", *environment_of)
    assert deleted[0] == 0, deleted
    run("down", "--force")
    proxy.close()
