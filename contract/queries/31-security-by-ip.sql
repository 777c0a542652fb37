-- title: Refused requests by client address
-- purpose: Shows which addresses cause the 401, 403 and 429 responses of security-events, where and since when.
-- parameters: trusted_hops, window, app, limit
-- window: the last 24 hours
-- columns: fwd_ip, hits, path_prefix, status_401, status_403, status_429, first_seen, last_seen
-- chart: hits
-- next: lines --match {fwd_ip}
-- tip: path_prefix is the most refused one; behind a CDN, write its number of proxies in place of 0 (--trusted-hops).
WITH proxies AS (
    -- <trusted_hops>
    SELECT 0 AS trusted
    -- </trusted_hops>
),
by_path AS (
    SELECT
        coalesce(nullif(trim(element_at(split(fwd, ','), -1 - trusted)), ''), fwd_ip) AS fwd_ip,
        coalesce(regexp_extract(path, '^/[^/?#]*(/[^/?#]*)?'), path) AS path_prefix,
        count(*) AS hits,
        count(*) FILTER (WHERE status = 401) AS status_401,
        count(*) FILTER (WHERE status = 403) AS status_403,
        count(*) FILTER (WHERE status = 429) AS status_429,
        min(time) AS first_seen,
        max(time) AS last_seen
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
    GROUP BY 1, 2
)
SELECT
    fwd_ip,
    sum(hits) AS hits,
    max_by(path_prefix, ROW(hits, coalesce(path_prefix, ''))) AS path_prefix,
    sum(status_401) AS status_401,
    sum(status_403) AS status_403,
    sum(status_429) AS status_429,
    min(first_seen) AS first_seen,
    max(last_seen) AS last_seen
FROM by_path
GROUP BY fwd_ip
ORDER BY hits DESC, fwd_ip
-- <limit>
LIMIT 20
-- </limit>
