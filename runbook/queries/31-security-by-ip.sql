-- title: Security-relevant lines by client address
-- purpose: Shows which addresses cause the lines of security-events; a line without an address does not count.
-- window: the last 24 hours
-- columns: fwd_ip, hits
-- tip: fwd_ip is the last address of fwd=, the only one that a client cannot invent.
SELECT
    fwd_ip,
    count(*) AS hits
FROM raxx_heroku_logs.syslog
WHERE
    year IN (date_format(now() - interval '1' day, '%Y'), date_format(now(), '%Y'))
    AND month IN (date_format(now() - interval '1' day, '%m'), date_format(now(), '%m'))
    AND day IN (date_format(now() - interval '1' day, '%d'), date_format(now(), '%d'))
    AND concat(year, '-', month, '-', day)
        BETWEEN date_format(now() - interval '1' day, '%Y-%m-%d') AND date_format(now(), '%Y-%m-%d')
    AND try(from_iso8601_timestamp(log_ts)) BETWEEN now() - interval '24' hour AND now()
    AND (
        status IN ('401', '403', '429')
        OR (source = 'app' AND regexp_like(message, 'webauthn\.\w+_failed'))
        OR (source = 'app' AND strpos(message, 'rate_limit_hit') > 0)
    )
    AND fwd_ip IS NOT NULL
GROUP BY fwd_ip
ORDER BY hits DESC, fwd_ip
LIMIT 20
