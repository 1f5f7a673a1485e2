-- SPDX-License-Identifier: Apache-2.0
-- The tables of queries.sql for Amazon Athena (Trino), over
--   s3://BUCKET/records/bundle=NAME/dt=/account=/cluster=/host=/   the `records` directory of each
--                          bundle, NAME being the last part of its directory's name
--   s3://BUCKET/bundles/   what `ecs-fim fleet verify --json DIR...` wrote, where the signatures
--                          could be checked: SQL cannot, and a record that was not checked is none
--   s3://BUCKET/expected/  NDJSON of account, cluster, host
-- Written for Athena engine 3; run in one database, one statement at a time.

CREATE EXTERNAL TABLE lines_all (line string)
PARTITIONED BY (bundle string, dt string, account string, cluster string, host string)
ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.RegexSerDe'
WITH SERDEPROPERTIES ('input.regex' = '(.*)')
LOCATION 's3://BUCKET/records/';
MSCK REPAIR TABLE lines_all;

CREATE EXTERNAL TABLE bundles (account string, cluster string, host string, directory string,
  status string, reason string, signer string, first_day string, last_day string,
  from_s bigint, to_s bigint, records bigint)
ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe' LOCATION 's3://BUCKET/bundles/';
CREATE EXTERNAL TABLE expected (account string, cluster string, host string)
ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe' LOCATION 's3://BUCKET/expected/';

-- A record once, however many bundles hold it, and not of those that were rejected.
CREATE VIEW records AS
SELECT account, cluster, host, line, CAST(json_extract_scalar(line, '$.seq') AS bigint) AS seq,
       json_extract_scalar(line, '$.type') AS type,
       CAST(to_unixtime(from_iso8601_timestamp(substr(json_extract_scalar(line, '$.time'), 1, 19) || 'Z'))
            AS bigint) AS time_s
FROM (SELECT DISTINCT r.account, r.cluster, r.host, r.line FROM lines_all r
      JOIN bundles b ON b.account = r.account AND b.cluster = r.cluster AND b.host = r.host
                    AND b.status <> 'rejected' AND r.bundle = element_at(split(b.directory, '/'), -1));
CREATE VIEW lifetimes AS
SELECT account, cluster, host, COUNT(*) AS records, MIN(time_s) AS first_s, MAX(time_s) AS last_s
FROM records GROUP BY account, cluster, host;
CREATE VIEW comparisons AS
SELECT account, cluster, host, seq,
       CAST(to_unixtime(from_iso8601_timestamp(substr(json_extract_scalar(line, '$.end'), 1, 19) || 'Z'))
            AS bigint) AS end_s,
       json_format(json_extract(line, '$.scope')) AS scope
FROM records WHERE type = 'comparison';
CREATE VIEW baselines AS
SELECT account, cluster, host, seq, json_extract_scalar(line, '$.digest') AS digest,
       json_format(json_extract(line, '$.policy.roots')) AS roots,
       COALESCE(json_extract_scalar(line, '$.provenance.image_id'), '') AS image_id
FROM records WHERE type = 'baseline';
CREATE VIEW controls AS
SELECT account, cluster, host, seq, time_s, json_extract_scalar(line, '$.component') AS component,
       COALESCE(json_extract_scalar(line, '$.sink'), '') AS sink,
       json_extract_scalar(line, '$.state') AS state,
       COALESCE(json_extract_scalar(line, '$.cause'), '') AS cause,
       COALESCE(CAST(json_extract_scalar(line, '$.lost') AS bigint), 0) AS lost
FROM records WHERE type = 'control';
CREATE VIEW changes AS
SELECT account, cluster, host, seq, time_s, json_extract_scalar(line, '$.kind') AS kind,
       json_extract_scalar(line, '$.severity') AS severity,
       CASE WHEN json_extract(line, '$.change') IS NULL THEN 0 ELSE 1 END AS announced
FROM records WHERE type = 'finding' AND json_extract_scalar(line, '$.kind') <> 'rule';
CREATE VIEW containers AS
SELECT account, cluster, host, seq, time_s, json_extract_scalar(line, '$.container.id') AS container_id,
       COALESCE(json_extract_scalar(line, '$.container.image'), '') AS image,
       COALESCE(json_extract_scalar(line, '$.container.family'), '') AS family,
       CASE WHEN json_extract_scalar(line, '$.container.privileged') = 'true' THEN 1 ELSE 0 END AS privileged,
       CASE WHEN json_extract_scalar(line, '$.container.effectively_privileged') = 'true' THEN 1 ELSE 0 END
         AS powerful
FROM records WHERE type = 'container';
