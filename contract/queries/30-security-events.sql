-- title: Security-relevant lines
-- purpose: Shows 401, 403 and 429 responses, failed passkeys and rate limits: signs of an attack or a faulty client.
-- parameters: trusted_hops, window, app, limit
-- window: the last 24 hours
-- columns: app, proc_id, log_ts, event_type, fwd_ip, path, message
-- next: query security-by-ip
-- tip: security-by-ip counts the responses by client address, all of them and not only the first 500.
WITH proxies AS (
    -- <trusted_hops>
    SELECT 0 AS trusted
    -- </trusted_hops>
)
SELECT
    app,
    proc_id,
    log_ts,
    CASE
        WHEN status = '401' THEN '401-unauthorized'
        WHEN status = '403' THEN '403-forbidden'
        WHEN status = '429' THEN '429-rate-limited'
        WHEN strpos(message, 'webauthn.registration_verify_failed') > 0 THEN 'passkey-register-fail'
        WHEN strpos(message, 'webauthn.authentication_verify_failed') > 0 THEN 'passkey-authn-fail'
        WHEN strpos(message, 'rate_limit_hit') > 0 THEN 'rate-limit-custom'
        ELSE 'other-security'
    END AS event_type,
    coalesce(nullif(trim(element_at(split(fwd, ','), -1 - trusted)), ''), fwd_ip) AS fwd_ip,
    path,
    message
FROM raxx_heroku_logs.syslog
CROSS JOIN proxies
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
    AND (
        status IN ('401', '403', '429')
        OR (source = 'app' AND regexp_like(message, 'webauthn\.\w+_failed'))
        OR (source = 'app' AND strpos(message, 'rate_limit_hit') > 0)
    )
ORDER BY
    try(from_iso8601_timestamp(log_ts)) DESC, log_ts DESC, app, coalesce(try_cast(seq AS bigint), 1) DESC, proc_id, message
-- <limit>
LIMIT 500
-- </limit>
