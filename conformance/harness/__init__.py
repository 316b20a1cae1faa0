"""What the suites share: the server under test, an ECS client, a raw Mesos scheduler."""
