-- title: Recent deploys
-- purpose: Shows deploys, releases and changes of an app, and restarts of its dynos, to compare with errors.
-- parameters: window, app, limit
-- window: the last 7 days
-- columns: app, log_ts, proc_id, message
-- next: query errors-by-surface --app {app}
-- tip: all deploys come first, then the newest 100 restarts; compare the hours around a log_ts in errors-by-surface.
WITH events AS (
    SELECT
        app,
        log_ts,
        try(from_iso8601_timestamp(log_ts)) AS time,
        coalesce(try_cast(seq AS bigint), 1) AS number,
        proc_id,
        split_part(proc_id, '.', 1) AS process,
        coalesce(try_cast(split_part(proc_id, '.', 2) AS bigint), 0) AS dyno,
        strpos(message, ' to crashed') > 0 AS crashed,
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
            -- All that the API logs about an app, except that a dyno of `heroku run` or the scheduler starts.
            (
                source IN ('app', 'heroku')
                AND proc_id = 'api'
                AND message NOT LIKE 'Starting process with command %'
            )
            OR (
                source = 'heroku'
                AND message LIKE 'State changed from %'
                AND NOT regexp_like(proc_id, '^(run|scheduler|release)\.')
            )
        )
),
-- Changes of state of one process type belong together if they are less than five minutes apart; crashes are apart.
marked AS (
    SELECT
        *,
        CASE
            WHEN time < lag(time) OVER (PARTITION BY app, process, crashed ORDER BY time) + interval '5' minute THEN 0
            ELSE 1
        END AS begins
    FROM events
    WHERE proc_id <> 'api'
),
grouped AS (
    SELECT
        *,
        sum(begins) OVER (PARTITION BY app, process, crashed ORDER BY time) AS restart
    FROM marked
),
restarts AS (
    SELECT
        app,
        min(time) AS time,
        min_by(log_ts, time) AS log_ts,
        process AS proc_id,
        concat(
            min_by(proc_id, dyno),
            CASE WHEN min(dyno) < max(dyno) THEN concat(' … ', max_by(proc_id, dyno)) ELSE '' END,
            CASE
                WHEN crashed THEN ' crashed'
                WHEN bool_or(strpos(message, ' to starting') > 0) THEN ' restarted'
                WHEN bool_or(strpos(message, ' to up') > 0) THEN ' started'
                ELSE ' stopped'
            END
        ) AS message
    FROM grouped
    GROUP BY app, process, crashed, restart
    ORDER BY time DESC, log_ts DESC, app, proc_id, message
    -- <limit>
    LIMIT 100
    -- </limit>
),
found AS (
    SELECT 1 AS place, app, time, log_ts, number, proc_id, message
    FROM events
    WHERE proc_id = 'api'
    UNION ALL
    SELECT 2 AS place, app, time, log_ts, 1 AS number, proc_id, message
    FROM restarts
)
SELECT
    app,
    log_ts,
    proc_id,
    message
FROM found
ORDER BY place, time DESC, log_ts DESC, app, number DESC, proc_id, message
