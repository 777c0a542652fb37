-- title: Since when an app fails
-- purpose: Groups each app's 5xx into stretches, most errors first, each with the last deploy or change before it.
-- parameters: window, app, limit
-- window: the last 24 hours
-- columns: app, since_utc, error_count, request_count, last_error, last_change_at, last_change
-- chart: error_count
-- next: query around --app {app} --around {since_utc}
-- tip: a stretch ends when 10 minutes pass without an error; what was before the window is not seen.
WITH found AS (
    SELECT
        app,
        TIMESTAMP '1970-01-01 00:00:00.000'
            + (try(from_iso8601_timestamp(log_ts)) - from_iso8601_timestamp('1970-01-01T00:00:00Z')) AS time,
        coalesce(try_cast(seq AS bigint), 1) AS number,
        proc_id = 'router' AS is_request,
        proc_id = 'router' AND coalesce(status, '') BETWEEN '500' AND '599' AS is_error,
        message
    FROM raxx_heroku_logs.syslog
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
        AND (
            (source = 'heroku' AND proc_id = 'router')
            OR (
                source IN ('app', 'heroku')
                AND proc_id = 'api'
                AND message NOT LIKE 'Starting process with command %'
                AND message NOT LIKE 'Build %'
            )
        )
),
-- One row per minute with requests, and one per change, so that few rows are left to put in order.
moments AS (
    SELECT
        app,
        CASE WHEN is_request THEN date_trunc('minute', time) ELSE time END AS moment,
        count(*) FILTER (WHERE is_request) AS requests,
        count(*) FILTER (WHERE is_error) AS errors,
        min(time) FILTER (WHERE is_error) AS first_error,
        max(time) FILTER (WHERE is_error) AS last_error,
        max_by(message, ROW(number, message)) FILTER (WHERE NOT is_request) AS change
    FROM found
    GROUP BY 1, 2
),
marked AS (
    SELECT
        *,
        CASE
            WHEN first_error IS NULL THEN 0
            WHEN first_error < max(last_error) OVER (
                PARTITION BY app ORDER BY moment ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
            ) + interval '10' minute THEN 0
            ELSE 1
        END AS begins
    FROM moments
),
numbered AS (
    SELECT *, sum(begins) OVER (PARTITION BY app ORDER BY moment) AS stretch
    FROM marked
),
bounded AS (
    SELECT *, max(last_error) OVER (PARTITION BY app, stretch) AS until
    FROM numbered
),
stretches AS (
    SELECT
        app,
        min(first_error) AS since,
        until,
        sum(errors) AS error_count,
        sum(requests) FILTER (WHERE moment <= until) AS request_count
    FROM bounded
    WHERE until IS NOT NULL
    GROUP BY app, stretch, until
)
SELECT
    stretches.app,
    date_trunc('minute', since) AS since_utc,
    error_count,
    request_count,
    until AS last_error,
    max(moment) AS last_change_at,
    max_by(change, moment) AS last_change
FROM stretches
LEFT JOIN moments ON moments.app = stretches.app AND change IS NOT NULL AND moment <= since
GROUP BY 1, 2, 3, 4, 5
ORDER BY error_count DESC, since_utc DESC, stretches.app
-- <limit>
LIMIT 20
-- </limit>
