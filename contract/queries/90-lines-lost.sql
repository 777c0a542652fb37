-- title: Lines lost, by app, hour and drain
-- purpose: Counts the lines that Logplex (L10) and log-shuttle (L12, L13) report as undelivered.
-- parameters: window, app
-- window: the last 7 days
-- columns: app, hour_utc, drain, lines_lost
-- chart: lines_lost
-- next: doctor
-- tip: drain is the one that lost the lines, empty if its report names none; compare `heroku drains --app <app>`.
WITH losses AS (
    SELECT
        app,
        date_trunc(
            'hour',
            TIMESTAMP '1970-01-01 00:00:00.000'
            + (try(from_iso8601_timestamp(log_ts)) - from_iso8601_timestamp('1970-01-01T00:00:00Z'))
        ) AS hour_utc,
        regexp_extract(
            message,
            '^(?:- )?Error L1[023](?: \([^)]*\))?: drain \W?(\S+?)\W? dropped [0-9]{1,9} messages ',
            1
        ) AS drain,
        try_cast(
            regexp_extract(
                message,
                '^(?:- )?Error L1[023](?: \([^)]*\))?: (?:drain \S+ dropped )?([0-9]{1,9}) messages ',
                1
            ) AS bigint
        ) AS lines
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
        AND proc_id IN ('logplex', 'log-shuttle')
)
SELECT
    app,
    hour_utc,
    drain,
    sum(lines) AS lines_lost
FROM losses
WHERE lines IS NOT NULL
GROUP BY app, hour_utc, drain
ORDER BY hour_utc DESC, lines_lost DESC, app, drain
