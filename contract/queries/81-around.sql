-- title: Lines around a time
-- purpose: Shows the log of all apps and of the platform, in order of time.
-- parameters: window, app, limit
-- window: the last 10 minutes
-- columns: app, log_ts, source, proc_id, message
-- tip: shows the first 1000 lines; for another time, change the day and the times in the window.
SELECT
    app,
    log_ts,
    source,
    proc_id,
    message
FROM raxx_heroku_logs.syslog
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
    try(from_iso8601_timestamp(log_ts)), log_ts, app, coalesce(try_cast(seq AS bigint), 1), source, proc_id, message
-- <limit>
LIMIT 1000
-- </limit>
