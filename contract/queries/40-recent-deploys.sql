-- title: Recent deploys
-- purpose: Gives the timeline of builds, releases and dyno restarts to hold errors against.
-- parameters: window, app, limit
-- window: the last 7 days
-- columns: app, log_ts, proc_id, message
-- tip: take the log_ts of a deploy and compare the hours before and after it in errors-by-surface.
SELECT
    app,
    log_ts,
    proc_id,
    message
FROM raxx_heroku_logs.syslog
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
    AND (
        (
            proc_id = 'api'
            AND source IN ('app', 'heroku')
            AND regexp_like(message, '^(Deploy |Release v|Rollback |Build )')
        )
        OR (source = 'heroku' AND message LIKE 'State changed from %')
    )
ORDER BY try(from_iso8601_timestamp(log_ts)) DESC, app, proc_id, message
-- <limit>
LIMIT 100
-- </limit>
