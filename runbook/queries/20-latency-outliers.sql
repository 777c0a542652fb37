-- title: Requests slower than 2 seconds
-- purpose: Finds single slow requests, slowest first.
-- window: the last 7 days
-- columns: app, proc_id, log_ts, method, path, service_ms, status, fwd_ip
-- tip: add AND at = 'error' for those that the router gave up on.
SELECT
    app,
    proc_id,
    log_ts,
    method,
    path,
    try_cast(service_ms AS bigint) AS service_ms,
    status,
    fwd_ip
FROM raxx_heroku_logs.syslog
WHERE
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
    AND try_cast(service_ms AS bigint) > 2000
ORDER BY try_cast(service_ms AS bigint) DESC, try(from_iso8601_timestamp(log_ts)) DESC, app, request_id
LIMIT 200
