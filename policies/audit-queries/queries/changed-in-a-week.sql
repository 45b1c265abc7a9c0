-- What was created, changed or removed in the seven days before the snapshot
WITH week AS (
  SELECT strftime('%Y-%m-%dT%H:%M:%SZ', max(taken_at), '-7 days') AS start FROM snapshots
)
SELECT valid_from AS time, change, kind, name, id, project, subject
FROM history
WHERE valid_from > (SELECT start FROM week)
UNION ALL
SELECT valid_to, ended, kind, name, id, project, subject
FROM history
WHERE ended = 'removed' AND valid_to > (SELECT start FROM week)
ORDER BY 1, 3, 4, 5
