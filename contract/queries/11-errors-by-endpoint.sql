-- title: HTTP 5xx by app and endpoint
-- purpose: Shows which path prefixes (the first two segments) fail, most errors first, and since when.
-- parameters: window, app, limit
-- window: the last 24 hours
-- columns: app, path_prefix, request_count, error_count, error_rate, first_error, last_error, last_request_id
-- chart: error_count
-- next: query request --request-id {last_request_id}
-- tip: error_rate is in percent; first_error is the first in the window; last_request_id is the newest that failed.
SELECT
    app,
    coalesce(regexp_extract(path, '^/[^/?#]*(/[^/?#]*)?'), path) AS path_prefix,
    count(*) AS request_count,
    count(*) FILTER (WHERE status BETWEEN 500 AND 599) AS error_count,
    round(100e0 * count(*) FILTER (WHERE status BETWEEN 500 AND 599) / count(*), 2) AS error_rate,
    min(time) FILTER (WHERE status BETWEEN 500 AND 599) AS first_error,
    max(time) FILTER (WHERE status BETWEEN 500 AND 599) AS last_error,
    max_by(request_id, ROW(time, coalesce(request_id, ''))) FILTER (WHERE status BETWEEN 500 AND 599) AS last_request_id
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
ORDER BY error_count DESC, error_rate DESC, app, path_prefix
-- <limit>
LIMIT 100
-- </limit>
