-- Services. Their deployments, events and history are part of the record.
CREATE TABLE service (
    account       TEXT NOT NULL,
    region        TEXT NOT NULL,
    cluster       TEXT NOT NULL,
    name          TEXT NOT NULL,
    status        TEXT NOT NULL,
    desired_count INTEGER NOT NULL,
    record        TEXT NOT NULL,
    PRIMARY KEY (account, region, cluster, name)
);
