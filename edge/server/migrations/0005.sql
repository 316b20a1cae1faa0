-- Versions of container instances are reserved in ranges by their records: no row for each task that comes or goes.
UPDATE container_instance SET record = json_set(record, '$.version', max(
    coalesce(json_extract(record, '$.version'), 0),
    coalesce((SELECT version FROM container_instance_version AS latest WHERE latest.id = container_instance.id), 0)
));
DROP TABLE container_instance_version;

-- A task is written when it is launched and with each change: what people ask a shell for follows from its record, in the
-- view `task_list`, instead of being written beside it.
CREATE TABLE task_of_record (
    place  INTEGER PRIMARY KEY,
    record TEXT NOT NULL
);
INSERT INTO task_of_record SELECT place, record FROM task;
DROP TABLE task;
ALTER TABLE task_of_record RENAME TO task;
CREATE VIEW task_list AS SELECT
    record ->> 'id'                                               AS id,
    record ->> 'cluster'                                          AS cluster,
    record ->> 'last_status'                                      AS last_status,
    iif(record ->> 'desired_running' = 0, 'STOPPED', 'RUNNING')   AS desired_status,
    record ->> 'version'                                          AS version
FROM task;
