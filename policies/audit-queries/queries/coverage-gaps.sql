-- Kinds that were not seen completely, from when to when, in how many snapshots
SELECT subject, kind, region, status, visibility, detail,
       min(taken_at) AS first, max(taken_at) AS last, count(*) AS snapshots
FROM coverage
WHERE status NOT IN ('complete', 'absent') OR (status = 'complete' AND visibility <> 'all')
GROUP BY subject, kind, region, status, visibility, CASE status WHEN 'complete' THEN NULL ELSE detail END
ORDER BY subject, kind, region, first
