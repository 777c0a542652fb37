-- title: Each app at a glance
-- purpose: The first look when something is wrong: lines, requests, errors, speed, deploys and lost lines of each app.
-- parameters: window, app
-- window: the last 60 minutes
-- columns: app, lines, requests, errors, error_rate, p95_service_ms, deploys, lines_lost, last_line
-- chart: errors
-- next: query errors-since --app {app}
-- tip: error_rate is in percent; an app that is missing, or whose last_line is old, sends no lines.
WITH found AS (
    SELECT
        app,
        TIMESTAMP '1970-01-01 00:00:00.000'
            + (try(from_iso8601_timestamp(log_ts)) - from_iso8601_timestamp('1970-01-01T00:00:00Z')) AS time,
        source = 'heroku' AND proc_id = 'router' AS is_request,
        source = 'heroku' AND proc_id = 'router' AND status BETWEEN '500' AND '599' AS is_error,
        source IN ('app', 'heroku') AND proc_id = 'api' AND message LIKE 'Release v%' AS is_release,
        -- Without websockets and streams, as in the view router_requests.
        CASE
            WHEN status = '101' OR (code IS NULL AND try_cast(service_ms AS bigint) > 30000) THEN NULL
            ELSE try_cast(service_ms AS bigint)
        END AS service_ms,
        CASE
            WHEN proc_id IN ('logplex', 'log-shuttle') THEN try_cast(
                regexp_extract(
                    message,
                    '^(?:- )?Error L1[023](?: \([^)]*\))?: (?:drain \S+ dropped )?([0-9]{1,9}) messages ',
                    1
                ) AS bigint
            )
        END AS lost
    FROM raxx_heroku_logs.syslog
    WHERE
        -- <window>
        year IN (date_format(now() - interval '60' minute, '%Y'), date_format(now(), '%Y'))
        AND month IN (date_format(now() - interval '60' minute, '%m'), date_format(now(), '%m'))
        AND day IN (date_format(now() - interval '60' minute, '%d'), date_format(now(), '%d'))
        AND concat(year, '-', month, '-', day)
            BETWEEN date_format(now() - interval '60' minute, '%Y-%m-%d') AND date_format(now(), '%Y-%m-%d')
        AND try(from_iso8601_timestamp(log_ts)) BETWEEN now() - interval '60' minute AND now()
        -- </window>
        -- <app>
        -- </app>
        -- Without canaries, the lines that the stack itself sends.
        AND NOT (coalesce(source, '') = 'logdrain' AND coalesce(proc_id, '') = 'canary')
)
SELECT
    app,
    count(*) AS lines,
    count(*) FILTER (WHERE is_request) AS requests,
    count(*) FILTER (WHERE is_error) AS errors,
    round(100e0 * count(*) FILTER (WHERE is_error) / nullif(count(*) FILTER (WHERE is_request), 0), 2) AS error_rate,
    approx_percentile(service_ms, 0.95) AS p95_service_ms,
    count(*) FILTER (WHERE is_release) AS deploys,
    coalesce(sum(lost), 0) AS lines_lost,
    max(time) AS last_line
FROM found
GROUP BY app
ORDER BY errors DESC, lines DESC, app
