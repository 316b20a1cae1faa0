"""Operations that are not served answer with the error that the model gives them."""

import botocore.session
import pytest

SERVED = {
    "CreateCluster", "DescribeClusters", "ListClusters", "DeleteCluster",
    "RegisterContainerInstance", "DeregisterContainerInstance", "DescribeContainerInstances",
    "ListContainerInstances", "UpdateContainerInstancesState",
    "PutAttributes", "DeleteAttributes", "ListAttributes",
    "RegisterTaskDefinition", "DescribeTaskDefinition", "DeregisterTaskDefinition",
    "ListTaskDefinitions", "ListTaskDefinitionFamilies",
    "RunTask", "StartTask", "StopTask", "DescribeTasks", "ListTasks",
    "TagResource", "UntagResource", "ListTagsForResource", "ListAccountSettings",
    "CreateService", "UpdateService", "DeleteService", "DescribeServices", "ListServices",
    "ListServicesByNamespace", "ListServiceDeployments", "DescribeServiceDeployments",
    "DescribeServiceRevisions", "GetTaskProtection", "UpdateTaskProtection",
    "UpdateCluster", "UpdateClusterSettings", "PutClusterCapacityProviders",
    "DescribeCapacityProviders", "DeleteTaskDefinitions",
    "PutAccountSetting", "PutAccountSettingDefault", "DeleteAccountSetting",
}
MODEL = botocore.session.get_session().get_service_model("ecs")
OTHERS = sorted(set(MODEL.operation_names) - SERVED)


def example(shape, depth=0):
    """The least that the model accepts for a shape."""
    kind = shape.type_name
    if kind == "structure":
        return {name: example(shape.members[name], depth + 1) for name in shape.required_members}
    if kind == "list":
        return [example(shape.member, depth + 1)]
    if kind == "map":
        return {}
    if kind == "boolean":
        return True
    if kind in ("integer", "long", "double", "float"):
        return 1
    if kind == "timestamp":
        return 1_600_000_000
    return shape.enum[0] if getattr(shape, "enum", None) else "example"


def test_the_client_library_knows_every_served_operation():
    assert SERVED <= set(MODEL.operation_names)
    assert (len(SERVED), len(SERVED) + len(OTHERS)) == (45, 88)


@pytest.mark.parametrize("operation", OTHERS)
def test_an_operation_that_is_not_served_says_so(ecs, operation):
    model = MODEL.operation_model(operation)
    modelled = {shape.name for shape in model.error_shapes}
    wanted = "UnsupportedFeatureException"
    if wanted not in modelled:
        wanted = "ClientException"
    reply = ecs.raw(operation, example(model.input_shape))
    assert reply.status_code == 400, reply.text
    body = reply.json()
    assert body["__type"].rpartition("#")[2] == wanted
    assert operation in body["message"], body
    assert reply.headers["x-amzn-errortype"].partition(":")[0].rpartition("#")[2] == wanted


@pytest.mark.parametrize("operation", ["CreateCapacityProvider", "ExecuteCommand", "CreateTaskSet"])
def test_the_client_library_raises_a_modelled_exception(ecs, operation):
    model = MODEL.operation_model(operation)
    method = {
        "CreateCapacityProvider": "create_capacity_provider",
        "ExecuteCommand": "execute_command", "CreateTaskSet": "create_task_set",
    }[operation]
    exceptions = ecs.client.exceptions
    with pytest.raises((exceptions.UnsupportedFeatureException, exceptions.ClientException)):
        getattr(ecs.client, method)(**example(model.input_shape))
