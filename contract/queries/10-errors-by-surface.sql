-- title: HTTP 5xx by app and hour
-- purpose: Shows error spikes after a deploy, and failures of several surfaces at once.
-- parameters: window, app
-- window: the last 24 hours
-- columns: app, hour_utc, error_count
-- tip: errors-by-code says which of them are the platform's, and why.
SELECT
    app,
    date_trunc('hour', time) AS hour_utc,
    count(*) AS error_count
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
    AND status BETWEEN 500 AND 599
GROUP BY 1, 2
ORDER BY hour_utc DESC, error_count DESC, app
