-- Servers that anybody could reach on TCP port 22, as far as security groups say
-- For another day add --at DATE. A port without port security is open wholly.
SELECT s.name AS server, s.id, s.project, s.subject, g.name AS security_group,
       coalesce(r.remote_ip_prefix, 'any') AS from_address
FROM ports AS p
CROSS JOIN json_each(p.security_groups) AS own
CROSS JOIN security_group_rules AS r ON r.security_group_id = own.value AND r.subject = p.subject
JOIN security_groups AS g ON g.id = r.security_group_id AND g.subject = p.subject
JOIN servers AS s ON s.id = p.device_id AND s.subject = p.subject
WHERE r.direction = 'ingress'
  AND r.remote_group_id IS NULL AND r.remote_address_group_id IS NULL
  AND coalesce(r.remote_ip_prefix, '0.0.0.0/0') IN ('0.0.0.0/0', '::/0')
  AND coalesce(lower(r.protocol), 'tcp') IN ('tcp', '6', 'any')
  AND (r.port_range_min IS NULL OR 22 BETWEEN r.port_range_min AND r.port_range_max)
UNION
SELECT s.name, s.id, s.project, s.subject, NULL, 'any'
FROM ports AS p
JOIN servers AS s ON s.id = p.device_id AND s.subject = p.subject
WHERE p.port_security_enabled = 0
ORDER BY 1, 2, 5, 6
