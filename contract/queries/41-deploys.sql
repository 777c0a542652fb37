-- title: Deploys and changes, by kind
-- purpose: Shows releases, rollbacks, promotions, and changes of config and scale, with who made them; no restarts.
-- parameters: window, app, limit
-- window: the last 7 days
-- columns: app, log_ts, kind, version, who, message
-- next: query around --app {app} --around {log_ts}
-- tip: version is the new release, or the one that a rollback goes back to; recent-deploys also shows restarts.
SELECT
    app,
    log_ts,
    CASE
        WHEN message LIKE 'Release v%' OR message LIKE 'Initial release%' THEN 'release'
        WHEN message LIKE 'Rollback to v%' THEN 'rollback'
        WHEN message LIKE 'Promote %' THEN 'promotion'
        WHEN message LIKE 'Deploy %' OR message LIKE 'Deployed %' THEN 'deploy'
        WHEN message LIKE 'Build %' THEN 'build'
        WHEN regexp_like(message, '^(Set|Add|Update|Remove|Unset) .+ config( vars)?( by |$)') THEN 'config'
        WHEN regexp_like(message, '^Scaled? to ') THEN 'scale'
        WHEN regexp_like(message, '^(Attach|Detach) ') THEN 'add-on'
        WHEN message LIKE 'Maintenance mode %' THEN 'maintenance'
        ELSE 'other'
    END AS kind,
    regexp_extract(message, '^(?:Release|Rollback to) (v[0-9]+)', 1) AS version,
    regexp_extract(message, ' by user ([^ ]+)', 1) AS who,
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
    AND source IN ('app', 'heroku')
    AND proc_id = 'api'
    -- A dyno of `heroku run` or the scheduler starts.
    AND message NOT LIKE 'Starting process with command %'
ORDER BY
    try(from_iso8601_timestamp(log_ts)) DESC, log_ts DESC, app, coalesce(try_cast(seq AS bigint), 1) DESC, message
-- <limit>
LIMIT 200
-- </limit>
