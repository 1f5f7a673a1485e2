-- SPDX-License-Identifier: Apache-2.0
-- The fleet's report, question by question.  `ecs-fim fleet report` runs this text on SQLite;
-- it is written in what SQLite, DuckDB, Trino and Athena have in common, on the tables that
-- athena.sql and duckdb.sql make views of.  Times are whole seconds since 1970 UTC.

-- name: totals
SELECT (SELECT COUNT(*) FROM expected) AS expected,
       (SELECT COUNT(*) FROM bundles) AS bundles,
       (SELECT COUNT(*) FROM bundles WHERE status = 'rejected') AS rejected,
       (SELECT COUNT(*) FROM bundles WHERE status = 'incomplete') AS incomplete,
       (SELECT COUNT(*) FROM bundles WHERE status <> 'rejected' AND signer = '') AS unsigned,
       (SELECT COUNT(*) FROM lifetimes) AS reporting,
       (SELECT COALESCE(SUM(records), 0) FROM lifetimes) AS records,
       (SELECT COUNT(*) FROM comparisons) AS comparisons,
       (SELECT COUNT(*) FROM changes) AS changes,
       (SELECT COALESCE(SUM(lost), 0) FROM controls WHERE state = 'loss') AS lost,
       (SELECT MIN(from_s) FROM bundles WHERE status <> 'rejected') AS from_s,
       (SELECT MAX(to_s) FROM bundles WHERE status <> 'rejected') AS to_s;

-- name: coverage
WITH named AS (
  SELECT account, cluster, host FROM expected
  UNION
  SELECT account, cluster, host FROM bundles
), counted AS (
  SELECT account, cluster, host,
         SUM(CASE WHEN status = 'rejected' THEN 0 ELSE 1 END) AS accepted,
         SUM(CASE WHEN status = 'incomplete' THEN 1 ELSE 0 END) AS incomplete,
         SUM(CASE WHEN status = 'rejected' THEN 1 ELSE 0 END) AS rejected
  FROM bundles GROUP BY account, cluster, host
), ranked AS (
  SELECT account, cluster, host, state,
         ROW_NUMBER() OVER (PARTITION BY account, cluster, host ORDER BY seq DESC) AS place
  FROM controls WHERE component = 'daemon' AND state IN ('up', 'down')
), told AS (
  SELECT n.account, n.cluster, n.host,
         CASE WHEN e.host IS NULL THEN 0 ELSE 1 END AS expected,
         COALESCE(c.accepted, 0) AS accepted, COALESCE(c.incomplete, 0) AS incomplete, COALESCE(c.rejected, 0) AS rejected,
         COALESCE(l.records, 0) AS records, l.first_s, l.last_s,
         CASE WHEN r.state = 'down' THEN 1 ELSE 0 END AS ended
  FROM named n
  LEFT JOIN expected e ON e.account = n.account AND e.cluster = n.cluster AND e.host = n.host
  LEFT JOIN counted c ON c.account = n.account AND c.cluster = n.cluster AND c.host = n.host
  LEFT JOIN lifetimes l ON l.account = n.account AND l.cluster = n.cluster AND l.host = n.host
  LEFT JOIN ranked r ON r.account = n.account AND r.cluster = n.cluster AND r.host = n.host
                    AND r.place = 1
)
SELECT account, cluster, host, expected, accepted, rejected, records, first_s, last_s,
       CASE WHEN rejected > 0 THEN 'rejected'
            WHEN accepted = 0 OR records = 0 THEN 'missing'
            WHEN incomplete > 0 THEN 'incomplete'
            WHEN ended = 1 THEN 'ended'
            WHEN last_s < (SELECT MAX(to_s) FROM bundles WHERE status <> 'rejected') - 172800 THEN 'silent'
            ELSE 'reporting' END AS state
FROM told
ORDER BY CASE WHEN rejected > 0 THEN 0 WHEN accepted = 0 OR records = 0 THEN 1
              WHEN incomplete > 0 THEN 2 ELSE 3 END,
         account, cluster, host;

-- name: rejected
SELECT account, cluster, host, directory, reason FROM bundles
WHERE status <> 'accepted' ORDER BY account, cluster, host, directory;

-- name: baselines
WITH ranked AS (
  SELECT account, cluster, host, digest, image_id,
         ROW_NUMBER() OVER (PARTITION BY account, cluster, host ORDER BY seq DESC) AS place
  FROM baselines
)
SELECT COALESCE(r.digest, '') AS digest, COALESCE(r.image_id, '') AS image_id, COUNT(*) AS hosts
FROM lifetimes l
LEFT JOIN ranked r ON r.account = l.account AND r.cluster = l.cluster AND r.host = l.host
                  AND r.place = 1
GROUP BY COALESCE(r.digest, ''), COALESCE(r.image_id, '')
ORDER BY COUNT(*) DESC, COALESCE(r.digest, ''), COALESCE(r.image_id, '');

-- name: drift
WITH ranked AS (
  SELECT account, cluster, host, digest,
         ROW_NUMBER() OVER (PARTITION BY account, cluster, host ORDER BY seq DESC) AS place
  FROM baselines
), per_host AS (
  SELECT account, cluster, host, COUNT(*) AS changes, SUM(announced) AS announced,
         SUM(CASE WHEN severity IN ('high', 'critical') AND announced = 0 THEN 1 ELSE 0 END) AS severe
  FROM changes GROUP BY account, cluster, host
)
SELECT COALESCE(r.digest, '') AS digest, COUNT(*) AS hosts, SUM(p.changes) AS changes,
       SUM(p.announced) AS announced, SUM(p.severe) AS severe
FROM per_host p
LEFT JOIN ranked r ON r.account = p.account AND r.cluster = p.cluster AND r.host = p.host
                  AND r.place = 1
GROUP BY COALESCE(r.digest, '')
ORDER BY SUM(p.severe) DESC, SUM(p.changes) DESC, COALESCE(r.digest, '');

-- name: gaps
WITH events AS (
  SELECT account, cluster, host, seq, end_s, scope, CAST(NULL AS VARCHAR) AS roots FROM comparisons
  UNION ALL
  SELECT account, cluster, host, seq, CAST(NULL AS BIGINT), CAST(NULL AS VARCHAR), roots FROM baselines
), numbered AS (
  SELECT account, cluster, host, seq, end_s, scope, roots,
         SUM(CASE WHEN roots IS NULL THEN 0 ELSE 1 END)
           OVER (PARTITION BY account, cluster, host ORDER BY seq) AS era
  FROM events
), judged AS (
  SELECT account, cluster, host, end_s, scope,
         MAX(roots) OVER (PARTITION BY account, cluster, host, era) AS in_force
  FROM numbered
), points AS (
  SELECT account, cluster, host, end_s AS at_s FROM judged
  WHERE end_s IS NOT NULL AND scope = in_force
  UNION ALL SELECT account, cluster, host, first_s FROM lifetimes
  UNION ALL SELECT account, cluster, host, last_s FROM lifetimes
), steps AS (
  SELECT account, cluster, host, at_s,
         LAG(at_s) OVER (PARTITION BY account, cluster, host ORDER BY at_s) AS before_s
  FROM points
), ranked AS (
  SELECT account, cluster, host, before_s AS from_s, at_s AS to_s, at_s - before_s AS gap_s,
         ROW_NUMBER() OVER (PARTITION BY account, cluster, host
                            ORDER BY at_s - before_s DESC, at_s) AS place
  FROM steps WHERE before_s IS NOT NULL
)
SELECT account, cluster, host, gap_s, from_s, to_s FROM ranked
WHERE place = 1 ORDER BY gap_s DESC, account, cluster, host;

-- name: outages
WITH marked AS (
  SELECT account, cluster, host, seq, time_s, component, sink, state, cause,
         LAG(state) OVER (PARTITION BY account, cluster, host, component, sink ORDER BY seq) AS state_before,
         LAG(cause) OVER (PARTITION BY account, cluster, host, component, sink ORDER BY seq) AS cause_before,
         MIN(CASE WHEN state = 'up' THEN time_s END)
           OVER (PARTITION BY account, cluster, host, component, sink ORDER BY seq
                 ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING) AS end_s
  FROM controls WHERE state IN ('up', 'down', 'degraded')
)
SELECT m.account, m.cluster, m.host,
       CASE WHEN m.sink = '' THEN m.component ELSE m.component || ' ' || m.sink END AS component, m.state, m.cause, m.time_s AS start_s, m.end_s,
       COALESCE(m.end_s, l.last_s) - m.time_s AS length_s
FROM marked m
JOIN lifetimes l ON l.account = m.account AND l.cluster = m.cluster AND l.host = m.host
WHERE m.state IN ('down', 'degraded')
  AND NOT (COALESCE(m.state_before, '') = m.state AND COALESCE(m.cause_before, '') = m.cause)
  AND NOT (m.end_s IS NULL AND m.time_s >= l.last_s)
ORDER BY CASE WHEN m.end_s IS NULL THEN 0 ELSE 1 END, COALESCE(m.end_s, l.last_s) - m.time_s DESC,
         m.account, m.cluster, m.host, m.seq;

-- name: containers
SELECT image, family, MAX(privileged) AS privileged,
       COUNT(DISTINCT account || '/' || cluster || '/' || host) AS hosts,
       COUNT(DISTINCT container_id) AS containers, MIN(time_s) AS first_s, MAX(time_s) AS last_s
FROM containers WHERE powerful = 1
GROUP BY image, family
ORDER BY COUNT(DISTINCT container_id) DESC, image, family;
