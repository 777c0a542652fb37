-- title: Service time by endpoint
-- purpose: Shows which path prefixes (the first two segments) cost the most time; those with 10 requests or more.
-- window: the last 7 days
-- columns: app, path_prefix, request_count, avg_service_ms, p95_service_ms, max_service_ms
-- tip: add AND app = 'raxx-api-prod' to narrow to the API.
SELECT
    app,
    coalesce(regexp_extract(path, '^/[^/?#]*(/[^/?#]*)?'), path) AS path_prefix,
    count(*) AS request_count,
    round(avg(try_cast(service_ms AS double)), 1) AS avg_service_ms,
    round(approx_percentile(try_cast(service_ms AS double), 0.95), 1) AS p95_service_ms,
    max(try_cast(service_ms AS bigint)) AS max_service_ms
FROM raxx_heroku_logs.syslog
WHERE
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
    AND try_cast(service_ms AS bigint) IS NOT NULL
GROUP BY 1, 2
HAVING count(*) >= 10
ORDER BY avg_service_ms DESC, app, path_prefix
LIMIT 50
