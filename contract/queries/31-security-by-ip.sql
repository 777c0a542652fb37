-- title: Refused requests by client address
-- purpose: Shows which addresses cause the 401, 403 and 429 responses of security-events.
-- parameters: trusted_hops, window, app, limit
-- window: the last 24 hours
-- columns: fwd_ip, hits
-- tip: fwd_ip is the address that Heroku saw; behind a CDN, write its number of proxies in place of 0 (--trusted-hops).
WITH proxies AS (
    -- <trusted_hops>
    SELECT 0 AS trusted
    -- </trusted_hops>
)
SELECT
    coalesce(nullif(trim(element_at(split(fwd, ','), -1 - trusted)), ''), fwd_ip) AS fwd_ip,
    count(*) AS hits
FROM raxx_heroku_logs.router_requests
CROSS JOIN proxies
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
GROUP BY 1
ORDER BY hits DESC, fwd_ip
-- <limit>
LIMIT 20
-- </limit>
