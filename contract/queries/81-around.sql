-- title: Lines around a time
-- purpose: Shows the log of all apps and of the platform around a time, in order of time.
-- parameters: moment, window, app, limit
-- window: the last 10 minutes
-- columns: app, log_ts, source, proc_id, message
-- next: query deploys --app {app}
-- tip: shows the 1000 lines nearest to now; for another time, change the moment, and the days and times of the window.
WITH asked AS (
    -- <moment>
    SELECT now() AS moment
    -- </moment>
),
nearest AS (
    SELECT
        app,
        log_ts,
        source,
        proc_id,
        message,
        try(from_iso8601_timestamp(log_ts)) AS time,
        coalesce(try_cast(seq AS bigint), 1) AS number
    FROM raxx_heroku_logs.syslog
    CROSS JOIN asked
    WHERE
        -- <window>
        year IN (date_format(now() - interval '10' minute, '%Y'), date_format(now(), '%Y'))
        AND month IN (date_format(now() - interval '10' minute, '%m'), date_format(now(), '%m'))
        AND day IN (date_format(now() - interval '10' minute, '%d'), date_format(now(), '%d'))
        AND concat(year, '-', month, '-', day)
            BETWEEN date_format(now() - interval '10' minute, '%Y-%m-%d') AND date_format(now(), '%Y-%m-%d')
        AND try(from_iso8601_timestamp(log_ts)) BETWEEN now() - interval '10' minute AND now()
        -- </window>
        -- <app>
        -- </app>
        -- Without canaries, the lines that the stack itself sends.
        AND NOT (coalesce(source, '') = 'logdrain' AND coalesce(proc_id, '') = 'canary')
    ORDER BY
        abs(date_diff('millisecond', moment, time)), time DESC, log_ts DESC, app, number DESC, source, proc_id, message
    -- <limit>
    LIMIT 1000
    -- </limit>
)
SELECT
    app,
    log_ts,
    source,
    proc_id,
    message
FROM nearest
ORDER BY time, log_ts, app, number, source, proc_id, message
