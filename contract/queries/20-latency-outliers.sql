-- title: Requests that took more than 2 seconds
-- purpose: Finds individual slow requests, slowest first. wait_ms is what the client waited: connect and service.
-- parameters: window, app, long_lived, limit
-- window: the last 7 days
-- columns: app, proc_id, log_ts, method, path, wait_ms, service_ms, status, fwd_ip, request_id, dyno
-- chart: wait_ms
-- next: query request --request-id {request_id}
-- tip: websockets and streams are left out; AND long_lived in place of AND NOT long_lived (--long-lived) shows them.
SELECT
    app,
    'router' AS proc_id,
    log_ts,
    method,
    path,
    wait_ms,
    service_ms,
    status,
    fwd_ip,
    request_id,
    dyno
FROM raxx_heroku_logs.router_requests
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
    -- <long_lived>
    AND NOT long_lived
    -- </long_lived>
    AND wait_ms > 2000
ORDER BY wait_ms DESC, time DESC, app, request_id, message
-- <limit>
LIMIT 200
-- </limit>
