"""RunTask with a clientToken."""

from concurrent.futures import ThreadPoolExecutor

from harness.ecs import SLEEPER, error, unique


def arns(tasks):
    return sorted(task["taskArn"] for task in tasks)


def test_the_same_token_and_parameters_return_the_original_tasks(ecs, client):
    definition, token = ecs.define(SLEEPER), unique("token")
    first = ecs.run(definition, count=3, clientToken=token)
    again = ecs.run(definition, count=3, clientToken=token)
    assert arns(again) == arns(first)
    assert len(client.list_tasks(cluster=ecs.cluster)["taskArns"]) == 3


def test_the_same_token_with_other_parameters_is_a_conflict_that_names_the_tasks(ecs, client):
    definition, token = ecs.define(SLEEPER), unique("token")
    first = ecs.run(definition, count=2, clientToken=token)
    with error("ConflictException") as conflict:
        ecs.try_run(definition, count=1, clientToken=token)
    assert sorted(conflict.response["resourceIds"]) == arns(first)
    assert len(client.list_tasks(cluster=ecs.cluster)["taskArns"]) == 2


def test_another_token_runs_other_tasks(ecs):
    definition = ecs.define(SLEEPER)
    one = ecs.run(definition, clientToken=unique("token"))
    two = ecs.run(definition, clientToken=unique("token"))
    assert arns(one) != arns(two)


def test_without_a_token_each_call_runs_tasks(ecs):
    definition = ecs.define(SLEEPER)
    assert arns(ecs.run(definition)) != arns(ecs.run(definition))


def test_a_token_still_holds_when_its_task_has_stopped(ecs):
    definition, token = ecs.define(SLEEPER), unique("token")
    first = ecs.run(definition, clientToken=token)
    ecs.stop(*first)
    again = ecs.run(definition, clientToken=token)
    assert arns(again) == arns(first)


def test_one_token_in_eight_calls_at_once_runs_one_set_of_tasks(ecs, client):
    definition, token = ecs.define(SLEEPER), unique("token")
    with ThreadPoolExecutor(8) as pool:
        runs = [pool.submit(ecs.run, definition, count=2, clientToken=token) for _ in range(8)]
        seen = {tuple(arns(run.result())) for run in runs}
    assert len(seen) == 1
    assert len(client.list_tasks(cluster=ecs.cluster)["taskArns"]) == 2


def test_a_token_still_holds_when_its_definition_is_deregistered(ecs, client):
    definition, token = ecs.define(SLEEPER), unique("token")
    first = ecs.run(definition, clientToken=token)
    client.deregister_task_definition(taskDefinition=definition)
    assert arns(ecs.run(definition, clientToken=token)) == arns(first)
    with error("ClientException", "TaskDefinition is inactive"):
        ecs.try_run(definition, clientToken=unique("token"))
