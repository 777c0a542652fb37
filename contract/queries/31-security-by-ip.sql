-- title: Refused requests by client address
-- purpose: Shows which addresses cause the 401, 403 and 429 answers of security-events.
-- parameters: window, app, limit
-- window: the last 24 hours
-- columns: fwd_ip, hits
-- tip: fwd_ip is the last address of fwd=, the only one that a client cannot invent.
SELECT
    fwd_ip,
    count(*) AS hits
FROM raxx_heroku_logs.router_requests
WHERE
    -- <window>
    year IN (date_format(now() - interval '1' day, '%Y'), date_format(now(), '%Y'))
    AND month IN (date_format(now() - interval '1' day, '%m'), date_format(now(), '%m'))
    AND day IN (date_format(now() - interval '1' day, '%d'), date_format(now(), '%d'))
    AND concat(year, '-', month, '-', day)
        BETWEEN date_format(now() - interval '1' day, '%Y-%m-%d') AND date_format(now(), '%Y-%m-%d')
    AND try(from_iso8601_timestamp(log_ts)) BETWEEN now() - interval '24' hour AND now()
    -- </window>
    -- <app>
    -- </app>
    AND status IN (401, 403, 429)
    AND fwd_ip IS NOT NULL
GROUP BY fwd_ip
ORDER BY hits DESC, fwd_ip
-- <limit>
LIMIT 20
-- </limit>
