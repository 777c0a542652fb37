-- title: Share of unstructured lines
-- purpose: Counts the lines that are not in the router's format, and those that were not valid syslog.
-- parameters: window, app
-- window: the last 24 hours
-- columns: total, unstructured_count, quarantined_count
-- next: lines --dyno quarantine
-- tip: quarantine lines keep every byte; read them with SELECT msgid, message ... WHERE source = 'logdrain'.
SELECT
    count(*) AS total,
    count(*) FILTER (WHERE method IS NULL) AS unstructured_count,
    count(*) FILTER (WHERE source = 'logdrain' AND proc_id = 'quarantine') AS quarantined_count
FROM raxx_heroku_logs.syslog
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
    -- Without canaries, the lines that the stack itself sends.
    AND NOT (coalesce(source, '') = 'logdrain' AND coalesce(proc_id, '') = 'canary')
