"""The main path where no command is executed (runtime simulated): placement, stop, accounting."""

from harness.ecs import SLEEPER, bare, resource


def test_a_task_without_settings_runs_until_it_is_stopped(ecs):
    definition = ecs.register(bare(cpu=64, command=["sh", "-c", SLEEPER]))["taskDefinitionArn"]
    tasks = ecs.run(definition, count=3)
    for task in tasks:
        ecs.wait(task, "RUNNING")
    for task in ecs.stop(*tasks, reason="over"):
        assert (task["stopCode"], task["stoppedReason"]) == ("UserInitiated", "over")
    for instance in ecs.instances():
        assert resource(instance, "CPU") == resource(instance, "CPU", "registeredResources")
