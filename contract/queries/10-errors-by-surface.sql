-- title: HTTP 5xx by app and hour
-- purpose: Shows error spikes after a deploy, and simultaneous failures of several apps.
-- parameters: every, window, app
-- window: the last 24 hours
-- columns: app, hour_utc, request_count, error_count, error_rate
-- chart: error_count
-- next: query errors-by-endpoint --app {app}
-- tip: error_rate is in percent; hours without an error are left out; --every 1m or 5m counts by minute_utc.
SELECT
    app,
    -- <every>
    date_trunc('hour', time) AS hour_utc,
    -- </every>
    count(*) AS request_count,
    count(*) FILTER (WHERE status BETWEEN 500 AND 599) AS error_count,
    round(100e0 * count(*) FILTER (WHERE status BETWEEN 500 AND 599) / count(*), 2) AS error_rate
FROM raxx_heroku_logs.router_requests
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
GROUP BY 1, 2
HAVING count(*) FILTER (WHERE status BETWEEN 500 AND 599) > 0
ORDER BY 2 DESC, error_count DESC, app
