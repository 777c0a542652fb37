-- title: Heroku errors by code, app and hour
-- purpose: Shows the errors that Heroku reports: H codes of the router and R codes of dynos, with their meaning.
-- parameters: window, app
-- window: the last 24 hours
-- columns: hour_utc, app, code, descr, error_count
-- chart: error_count
-- next: query errors-since --app {app}
-- tip: H10 and H14 mean that an app is down, H12 that it is slow, R14 and R15 that it needs more memory.
WITH errors AS (
    SELECT
        date_trunc(
            'hour',
            TIMESTAMP '1970-01-01 00:00:00.000'
            + (try(from_iso8601_timestamp(log_ts)) - from_iso8601_timestamp('1970-01-01T00:00:00Z'))
        ) AS hour_utc,
        app,
        coalesce(code, regexp_extract(message, '^Error (R[0-9]+) \(', 1)) AS code,
        coalesce(descr, regexp_extract(message, '^Error R[0-9]+ \(([^)]+)\)', 1)) AS descr
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
        AND source = 'heroku'
)
SELECT
    hour_utc,
    app,
    code,
    descr,
    count(*) AS error_count
FROM errors
WHERE code IS NOT NULL
GROUP BY hour_utc, app, code, descr
ORDER BY hour_utc DESC, error_count DESC, app, code, descr
