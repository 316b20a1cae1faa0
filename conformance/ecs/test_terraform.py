"""Terraform with its AWS provider makes, changes and destroys clusters, task definitions and services.

The provider is not ours to install: set LONGSHORE_TERRAFORM_PLUGINS to a folder that `terraform init -plugin-dir` takes, or configure
a mirror for Terraform itself. Without one the test is skipped; what the provider sends is sent by boto3 too.
"""

import os
import shutil
import subprocess

import pytest

from harness.ecs import error, unique
from harness.wait import until

MAIN = """
terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

provider "aws" {
  region                      = "us-east-1"
  access_key                  = "test"
  secret_key                  = "test"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_region_validation      = true
  skip_requesting_account_id  = true
  max_retries                 = 2
  endpoints { ecs = var.endpoint }
}

variable "endpoint" {}
variable "name" {}
variable "cluster" {}
variable "tasks" {}
variable "message" {}
variable "insights" {}
variable "trunking" {}

resource "aws_ecs_cluster" "it" {
  name = var.name
  setting {
    name  = "containerInsights"
    value = var.insights
  }
  service_connect_defaults {
    namespace = "arn:aws:servicediscovery:us-east-1:000000000000:namespace/ns-one"
  }
  tags = { message = var.message }
}

resource "aws_ecs_account_setting_default" "it" {
  name  = "awsvpcTrunking"
  value = var.trunking
}

resource "aws_ecs_account_setting_default" "arns" {
  name  = "taskLongArnFormat"
  value = "enabled"
}

resource "aws_ecs_task_definition" "it" {
  family                   = var.name
  requires_compatibilities = ["EC2"]
  network_mode             = "bridge"
  container_definitions = jsonencode([{
    name = "main", image = "longshore/busybox:latest", cpu = 16, memory = 32, essential = true,
    command = ["sh", "-c", "trap 'exit 0' TERM; sleep 600 & wait"], environment = [{ name = "MESSAGE", value = var.message }]
  }])
  placement_constraints {
    type       = "memberOf"
    expression = "attribute:ecs.availability-zone in [us-east-1a, us-east-1b, us-east-1c]"
  }
  tags = { message = var.message }
}

resource "aws_ecs_service" "it" {
  name                               = var.name
  cluster                            = var.cluster
  task_definition                    = aws_ecs_task_definition.it.arn
  desired_count                      = var.tasks
  launch_type                        = "EC2"
  deployment_minimum_healthy_percent = 50
  deployment_maximum_percent         = 200
  enable_ecs_managed_tags            = true
  propagate_tags                     = "SERVICE"
  wait_for_steady_state              = true
  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }
  ordered_placement_strategy {
    type  = "spread"
    field = "attribute:ecs.availability-zone"
  }
  ordered_placement_strategy {
    type  = "binpack"
    field = "memory"
  }
  placement_constraints {
    type = "distinctInstance"
  }
  tags = { message = var.message }
}

resource "aws_ecs_service" "daemon" {
  name                = "${var.name}-daemon"
  cluster             = var.cluster
  task_definition     = aws_ecs_task_definition.it.arn
  scheduling_strategy = "DAEMON"
}
"""


class Terraform:
    """A folder with a configuration, and the program."""

    def __init__(self, program, folder, variables):
        self.program, self.folder = program, folder
        given = {f"TF_VAR_{name}": str(value) for name, value in variables.items()}
        self.environment = {**os.environ, **given, "CHECKPOINT_DISABLE": "1"}
        (folder / "main.tf").write_text(MAIN)

    def set(self, **variables):
        self.environment.update({f"TF_VAR_{name}": str(value) for name, value in variables.items()})

    def run(self, *words, codes=(0,)):
        done = subprocess.run(
            [self.program, *words, "-no-color"], cwd=self.folder, env=self.environment,
            capture_output=True, text=True, timeout=150,
        )
        assert done.returncode in codes, done.stdout[-3000:] + done.stderr[-3000:]
        return done


@pytest.fixture
def terraform(ecs, server, tmp_path):
    program = shutil.which("terraform")
    if not program:
        pytest.skip("terraform is not installed")
    made = Terraform(program, tmp_path, {
        "endpoint": server.ecs, "name": unique("terraform"), "cluster": ecs.cluster,
        "tasks": 2, "message": "one", "insights": "disabled",
        "trunking": "disabled",
    })
    words = ["init", "-input=false"]
    if plugins := os.environ.get("LONGSHORE_TERRAFORM_PLUGINS"):
        words.append(f"-plugin-dir={plugins}")
    if made.run(*words, codes=(0, 1)).returncode:
        pytest.skip("terraform finds no AWS provider: set LONGSHORE_TERRAFORM_PLUGINS")
    yield made
    made.run("destroy", "-auto-approve", "-input=false")


def settled(terraform):
    """Nothing that was read differs from what is wanted."""
    plan = terraform.run("plan", "-detailed-exitcode", "-input=false", codes=(0, 2))
    assert plan.returncode == 0, plan.stdout[-3000:]


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_terraform_makes_changes_and_destroys(ecs, terraform):
    name = terraform.environment["TF_VAR_name"]
    terraform.run("apply", "-auto-approve", "-input=false")
    settled(terraform)
    service = ecs.client.describe_services(cluster=ecs.cluster, services=[name])["services"][0]
    assert (service["runningCount"], service["deploymentConfiguration"]["minimumHealthyPercent"]) == (2, 50)
    terraform.set(tasks=3, message="two", insights="enabled", trunking="enabled")
    terraform.run("apply", "-auto-approve", "-input=false")
    settled(terraform)
    service = ecs.client.describe_services(cluster=ecs.cluster, services=[name], include=["TAGS"])["services"][0]
    assert service["runningCount"] == 3
    effective = ecs.client.list_account_settings(name="awsvpcTrunking", effectiveSettings=True)
    assert effective["settings"][0]["value"] == "enabled"
    assert service["tags"] == [{"key": "message", "value": "two"}]
    terraform.run("destroy", "-auto-approve", "-input=false")
    assert ecs.client.describe_clusters(clusters=[name])["clusters"][0]["status"] == "INACTIVE"
    service = ecs.client.describe_services(cluster=ecs.cluster, services=[name])["services"][0]
    assert service["status"] == "INACTIVE"


def test_the_calls_of_the_provider_are_answered_as_it_reads_them(ecs):
    """What the provider sends and reads, in its order, with the members that it sets."""
    client, name = ecs.client, unique("provider")
    tags = [{"key": "message", "value": "one"}]
    settings = [{"name": "containerInsights", "value": "disabled"}]
    cluster = client.create_cluster(clusterName=name, settings=settings, tags=tags)["cluster"]
    everything = ["TAGS", "CONFIGURATIONS", "SETTINGS"]
    read = client.describe_clusters(clusters=[cluster["clusterArn"]], include=everything)["clusters"][0]
    assert (read["status"], read["settings"], read["tags"]) == ("ACTIVE", settings, tags)
    client.put_cluster_capacity_providers(
        cluster=name, capacityProviders=["FARGATE"],
        defaultCapacityProviderStrategy=[{"capacityProvider": "FARGATE", "weight": 1, "base": 0}],
    )
    read = client.describe_clusters(clusters=[name], include=everything)["clusters"][0]
    assert read["capacityProviders"] == ["FARGATE"]
    containers = [{
        "name": "main", "image": "longshore/busybox:latest", "cpu": 16, "memory": 32, "essential": True,
        "environment": [], "mountPoints": [], "portMappings": [], "volumesFrom": [], "systemControls": [],
    }]
    definition = client.register_task_definition(
        family=name, containerDefinitions=containers, networkMode="bridge",
        requiresCompatibilities=["EC2"], tags=tags,
    )["taskDefinition"]
    arn = definition["taskDefinitionArn"]
    read = client.describe_task_definition(taskDefinition=arn, include=["TAGS"])
    assert (read["taskDefinition"]["status"], read["tags"]) == ("ACTIVE", tags)
    service = client.create_service(
        cluster=name, serviceName=name, taskDefinition=arn, desiredCount=0, launchType="EC2",
        clientToken=unique()[:32], schedulingStrategy="REPLICA", enableECSManagedTags=False,
        deploymentConfiguration={
            "deploymentCircuitBreaker": {"enable": False, "rollback": False},
            "maximumPercent": 200, "minimumHealthyPercent": 100,
        },
        deploymentController={"type": "ECS"}, propagateTags="NONE", tags=tags,
    )["service"]
    read = client.describe_services(cluster=name, services=[service["serviceArn"]], include=["TAGS"])
    assert read["failures"] == [] and read["services"][0]["tags"] == tags
    assert read["services"][0]["availabilityZoneRebalancing"] == "ENABLED"
    daemon = client.create_service(
        cluster=name, serviceName=f"{name}-daemon", taskDefinition=arn, schedulingStrategy="DAEMON",
    )["service"]
    # The provider plans a change for ever if a service does not say.
    assert daemon["availabilityZoneRebalancing"] == "DISABLED"
    client.delete_service(cluster=name, service=daemon["serviceArn"])
    client.tag_resource(resourceArn=service["serviceArn"], tags=[{"key": "more", "value": ""}])
    client.untag_resource(resourceArn=service["serviceArn"], tagKeys=["message"])
    listed = client.list_tags_for_resource(resourceArn=service["serviceArn"])["tags"]
    assert listed == [{"key": "more", "value": ""}]
    with error("ClusterContainsServicesException"):
        client.delete_cluster(cluster=name)
    client.update_service(cluster=name, service=service["serviceArn"], desiredCount=0)
    client.delete_service(cluster=name, service=service["serviceArn"], force=False)

    def gone():
        read = client.describe_services(cluster=name, services=[name, f"{name}-daemon"])
        return {one["status"] for one in read["services"]} == {"INACTIVE"}

    until(gone, "the services are INACTIVE", 10)
    client.deregister_task_definition(taskDefinition=arn)
    assert client.delete_cluster(cluster=name)["cluster"]["status"] == "INACTIVE"
    assert client.describe_clusters(clusters=[name])["clusters"][0]["status"] == "INACTIVE"
