-- FIFO queues remember what was sent to them, tasks move the messages of dead-letter queues on, the name of a deleted queue is
-- taken for a minute, and events of the cluster may wait to be delivered.
CREATE TABLE deduplication (
    queue  TEXT NOT NULL,
    scope  TEXT NOT NULL,
    id     TEXT NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (queue, scope, id)
) WITHOUT ROWID;
CREATE TABLE move_task (
    queue  TEXT NOT NULL,
    number INTEGER NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (queue, number)
);
CREATE TABLE deleted_queue (
    account TEXT NOT NULL,
    region  TEXT NOT NULL,
    name    TEXT NOT NULL,
    record  TEXT NOT NULL,
    PRIMARY KEY (account, region, name)
);
CREATE TABLE pending_event (
    number INTEGER PRIMARY KEY,
    record TEXT NOT NULL
);
