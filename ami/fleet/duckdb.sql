-- SPDX-License-Identifier: Apache-2.0
-- The tables of queries.sql as views of bundles, for DuckDB.  Before it: what `ecs-fim fleet
-- verify --json` found, as bundles.ndjson, and the expected hosts as expected.ndjson; and
--   SET VARIABLE records = 'DIR/*/records/dt=*/account=*/cluster=*/host=*/*.ndjson';

CREATE TABLE bundles AS SELECT * FROM read_json('bundles.ndjson', format = 'newline_delimited',
  columns = {account: 'VARCHAR', cluster: 'VARCHAR', host: 'VARCHAR', directory: 'VARCHAR',
             status: 'VARCHAR', reason: 'VARCHAR', signer: 'VARCHAR', first_day: 'VARCHAR',
             last_day: 'VARCHAR', from_s: 'BIGINT', to_s: 'BIGINT', records: 'BIGINT'});
CREATE TABLE expected AS SELECT * FROM read_json('expected.ndjson', format = 'newline_delimited',
  columns = {account: 'VARCHAR', cluster: 'VARCHAR', host: 'VARCHAR'});

-- A record once, however many bundles hold it, and not of a bundle that was rejected: which
-- bundle a line is of, its file says.
CREATE TABLE lines AS
SELECT DISTINCT r.account, r.cluster, r.host, r.line
FROM (SELECT account, cluster, host, line, left(filename, strpos(filename, '/records/dt=') - 1) AS directory
      FROM read_csv(getvariable('records'), columns = {line: 'VARCHAR'}, header = false,
                    filename = true, delim = '\x01', quote = '', escape = '', hive_partitioning = true,
                    max_line_size = 2097152,
                    hive_types = {dt: VARCHAR, account: VARCHAR, cluster: VARCHAR, host: VARCHAR})) r
JOIN bundles b ON b.account = r.account AND b.cluster = r.cluster AND b.host = r.host
              AND b.status <> 'rejected' AND r.directory = b.directory;

CREATE VIEW records AS
SELECT account, cluster, host, line, CAST(json_extract_string(line, '$.seq') AS BIGINT) AS seq, json_extract_string(line, '$.type') AS type,
       CAST(epoch(CAST(substr(json_extract_string(line, '$.time'), 1, 19) AS TIMESTAMP)) AS BIGINT) AS time_s
FROM lines;
CREATE TABLE lifetimes AS
SELECT account, cluster, host, COUNT(*) AS records, MIN(time_s) AS first_s, MAX(time_s) AS last_s
FROM records GROUP BY account, cluster, host;
CREATE TABLE comparisons AS
SELECT account, cluster, host, seq,
       CAST(epoch(CAST(substr(json_extract_string(line, '$.end'), 1, 19) AS TIMESTAMP)) AS BIGINT) AS end_s,
       CAST(json_extract(line, '$.scope') AS VARCHAR) AS scope
FROM records WHERE type = 'comparison';
CREATE TABLE baselines AS
SELECT account, cluster, host, seq, json_extract_string(line, '$.digest') AS digest,
       CAST(json_extract(line, '$.policy.roots') AS VARCHAR) AS roots,
       COALESCE(json_extract_string(line, '$.provenance.image_id'), '') AS image_id
FROM records WHERE type = 'baseline';
CREATE TABLE controls AS
SELECT account, cluster, host, seq, time_s, json_extract_string(line, '$.component') AS component,
       COALESCE(json_extract_string(line, '$.sink'), '') AS sink,
       json_extract_string(line, '$.state') AS state, COALESCE(json_extract_string(line, '$.cause'), '') AS cause,
       COALESCE(CAST(json_extract_string(line, '$.lost') AS BIGINT), 0) AS lost
FROM records WHERE type = 'control';
CREATE TABLE changes AS
SELECT account, cluster, host, seq, time_s, json_extract_string(line, '$.kind') AS kind, json_extract_string(line, '$.severity') AS severity,
       CASE WHEN json_extract(line, '$.change') IS NULL THEN 0 ELSE 1 END AS announced
FROM records WHERE type = 'finding' AND json_extract_string(line, '$.kind') <> 'rule';
CREATE TABLE containers AS
SELECT account, cluster, host, seq, time_s, json_extract_string(line, '$.container.id') AS container_id,
       COALESCE(json_extract_string(line, '$.container.image'), '') AS image,
       COALESCE(json_extract_string(line, '$.container.family'), '') AS family,
       CASE WHEN json_extract_string(line, '$.container.privileged') = 'true' THEN 1 ELSE 0 END AS privileged,
       CASE WHEN json_extract_string(line, '$.container.effectively_privileged') = 'true' THEN 1 ELSE 0 END AS powerful
FROM records WHERE type = 'container';
