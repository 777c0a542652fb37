-- title: Service time by endpoint
-- purpose: Shows the slowest path prefixes (the first two segments) with at least 10 requests.
-- parameters: window, app, long_lived, limit
-- window: the last 7 days
-- columns: app, path_prefix, request_count, avg_service_ms, p95_service_ms, max_service_ms
-- chart: p95_service_ms
-- next: query latency-outliers --app {app}
-- tip: p95_service_ms is approximate; websockets and streams are left out (--long-lived shows them).
SELECT
    app,
    coalesce(regexp_extract(path, '^/[^/?#]*(/[^/?#]*)?'), path) AS path_prefix,
    count(*) AS request_count,
    round(avg(service_ms), 1) AS avg_service_ms,
    approx_percentile(service_ms, 0.95) AS p95_service_ms,
    max(service_ms) AS max_service_ms
FROM raxx_heroku_logs.router_requests
WHERE
    -- <window>
    year IN (date_format(now() - interval '7' day, '%Y'), date_format(now(), '%Y'))
    AND month IN (date_format(now() - interval '7' day, '%m'), date_format(now(), '%m'))
    AND day IN (
        date_format(now(), '%d'),
        date_format(now() - interval '1' day, '%d'),
        date_format(now() - interval '2' day, '%d'),
        date_format(now() - interval '3' day, '%d'),
        date_format(now() - interval '4' day, '%d'),
        date_format(now() - interval '5' day, '%d'),
        date_format(now() - interval '6' day, '%d'),
        date_format(now() - interval '7' day, '%d')
    )
    AND concat(year, '-', month, '-', day)
        BETWEEN date_format(now() - interval '7' day, '%Y-%m-%d') AND date_format(now(), '%Y-%m-%d')
    AND try(from_iso8601_timestamp(log_ts)) BETWEEN now() - interval '7' day AND now()
    -- </window>
    -- <app>
    -- </app>
    -- <long_lived>
    AND NOT long_lived
    -- </long_lived>
    AND service_ms IS NOT NULL
GROUP BY 1, 2
HAVING count(*) >= 10
ORDER BY avg_service_ms DESC, app, path_prefix
-- <limit>
LIMIT 50
-- </limit>
