-- Servers with a port that no security group protects
SELECT s.name AS server, s.id, s.project, s.subject, p.id AS port,
       CASE p.port_security_enabled WHEN 0 THEN 'port security is off' ELSE 'no group' END AS why
FROM servers AS s
JOIN ports AS p ON p.device_id = s.id AND p.subject = s.subject
WHERE p.port_security_enabled = 0 OR coalesce(json_array_length(p.security_groups), 0) = 0
ORDER BY 1, 2, 5
