-- title: All lines of one request
-- purpose: Follows a request id through all apps: the router's line, and the apps' lines that contain the id.
-- parameters: request_id, window, app
-- window: the last 7 days
-- columns: app, log_ts, source, proc_id, message
-- next: query around --app {app} --around {log_ts}
-- tip: replace the zeros with the request id from router_requests or the header X-Request-ID.
WITH asked AS (
    -- <request_id>
    SELECT '00000000-0000-0000-0000-000000000000' AS id
    -- </request_id>
)
SELECT
    app,
    log_ts,
    source,
    proc_id,
    message
FROM raxx_heroku_logs.syslog
CROSS JOIN asked
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
    AND (request_id = asked.id OR (source = 'app' AND strpos(message, asked.id) > 0))
ORDER BY
    try(from_iso8601_timestamp(log_ts)), log_ts, app, coalesce(try_cast(seq AS bigint), 1), source, proc_id, message
