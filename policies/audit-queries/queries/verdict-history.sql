-- When the verdict of a rule changed, as it was recorded
SELECT subject, rule, taken_at, before, verdict, fail, abort, snapshot
FROM (
  SELECT *, lag(verdict) OVER (PARTITION BY subject, rule ORDER BY seq, record) AS before
  FROM verdicts
)
WHERE before IS NULL OR before <> verdict
ORDER BY subject, rule, taken_at
