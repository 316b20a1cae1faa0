-- Rules of the event bus with their targets, queues, and the messages in them.
CREATE TABLE event_rule (
    account TEXT NOT NULL,
    region  TEXT NOT NULL,
    name    TEXT NOT NULL,
    state   TEXT NOT NULL,
    record  TEXT NOT NULL,
    PRIMARY KEY (account, region, name)
) WITHOUT ROWID;

CREATE TABLE queue (
    id      TEXT PRIMARY KEY,
    account TEXT NOT NULL,
    region  TEXT NOT NULL,
    name    TEXT NOT NULL,
    record  TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE message (
    queue   TEXT NOT NULL,
    place   INTEGER NOT NULL,
    sent_at INTEGER NOT NULL,
    record  TEXT NOT NULL,
    PRIMARY KEY (queue, place)
);
