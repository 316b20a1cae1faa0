-- Versions of container instances are reserved in ranges by their records: no row for each task that comes or goes.
UPDATE container_instance SET record = json_set(record, '$.version', max(
    coalesce(json_extract(record, '$.version'), 0),
    coalesce((SELECT version FROM container_instance_version AS latest WHERE latest.id = container_instance.id), 0)
));
DROP TABLE container_instance_version;
