-- Trino functions that DuckDB lacks or answers differently; trino_functions.py says where each is used.
-- What Trino refuses ends in a cast of the reason that must fail: unlike error(), it may stand inside TRY.

CREATE MACRO trino_refuse(reason) AS CAST('INVALID: ' || reason AS BIGINT);

-- ---------------------------------------------------------------- casts (Trino's are stricter about strings)

CREATE MACRO trino_bigint
    (x VARCHAR) AS CASE WHEN regexp_full_match(trim(x), '[+-]?[0-9]+') THEN CAST(trim(x) AS BIGINT)
                        ELSE trino_refuse('Cannot cast ''' || x || ''' to BIGINT') END,
    (x BOOLEAN) AS CAST(x AS BIGINT),
    (x BIGINT) AS x,
    (x HUGEINT) AS CAST(x AS BIGINT),
    (x DOUBLE) AS CAST(round(x) AS BIGINT);

CREATE MACRO trino_integer
    (x VARCHAR) AS CASE WHEN regexp_full_match(trim(x), '[+-]?[0-9]+') THEN CAST(trim(x) AS INTEGER)
                        ELSE CAST(trino_refuse('Cannot cast ''' || x || ''' to INT') AS INTEGER) END,
    (x BOOLEAN) AS CAST(x AS INTEGER),
    (x BIGINT) AS CAST(x AS INTEGER),
    (x HUGEINT) AS CAST(x AS INTEGER),
    (x DOUBLE) AS CAST(round(x) AS INTEGER);

CREATE MACRO trino_double
    (x VARCHAR) AS CASE WHEN regexp_full_match(trim(x), '[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?')
                        THEN CAST(trim(x) AS DOUBLE)
                        WHEN x IN ('NaN', 'Infinity', '-Infinity') THEN CAST(x AS DOUBLE)
                        ELSE CAST(trino_refuse('Cannot cast ''' || x || ''' to DOUBLE') AS DOUBLE) END,
    (x BOOLEAN) AS CAST(x AS DOUBLE),
    (x BIGINT) AS CAST(x AS DOUBLE),
    (x HUGEINT) AS CAST(x AS DOUBLE),
    (x DOUBLE) AS x;

CREATE MACRO trino_boolean
    (x VARCHAR) AS CASE WHEN lower(x) IN ('true', 't', '1') THEN true
                        WHEN lower(x) IN ('false', 'f', '0') THEN false
                        WHEN x IS NOT NULL
                        THEN CAST(trino_refuse('Cannot cast ''' || x || ''' to BOOLEAN') AS BOOLEAN) END,
    (x BOOLEAN) AS x,
    (x BIGINT) AS CAST(x AS BOOLEAN),
    (x DOUBLE) AS CAST(x AS BOOLEAN);

CREATE MACRO trino_date
    (x VARCHAR) AS CASE WHEN regexp_full_match(trim(x), '[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}') THEN CAST(trim(x) AS DATE)
                        ELSE CAST(CAST(trino_refuse('Value cannot be cast to date: ' || x) AS VARCHAR) AS DATE) END,
    (x DATE) AS x,
    (x TIMESTAMP) AS CAST(x AS DATE),
    (x TIMESTAMP WITH TIME ZONE) AS CAST(x AS DATE);

-- timestamp(3): Trino rounds to milliseconds.
CREATE MACRO trino_timestamp
    (x VARCHAR) AS CASE WHEN regexp_full_match(trim(x), '[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}( [0-9]{1,2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,6})?)?)?')
                        THEN date_trunc('millisecond', CAST(trim(x) || CASE WHEN regexp_matches(x, ' [0-9]+:[0-9]+$') THEN ':00' ELSE '' END AS TIMESTAMP)
                                                       + INTERVAL 500 MICROSECOND)
                        ELSE CAST(CAST(trino_refuse('Value cannot be cast to timestamp: ' || x) AS VARCHAR) AS TIMESTAMP) END,
    (x DATE) AS CAST(x AS TIMESTAMP),
    (x TIMESTAMP) AS x,
    -- Athena only ("Athena engine version 3", limitations); Trino casts.
    (x TIMESTAMP WITH TIME ZONE) AS CAST(CAST(trino_refuse('NOT_SUPPORTED: Casting a Timestamp with Time Zone to Timestamp is not supported.')
                                              AS VARCHAR) AS TIMESTAMP);

CREATE MACRO trino_timestamptz
    (x VARCHAR) AS CASE WHEN regexp_full_match(trim(x), '[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}( [0-9]{1,2}:[0-9]{2}:[0-9]{2}([.][0-9]{1,3})?)?( (UTC|Z))?')
                        THEN CAST(CAST(regexp_replace(trim(x), ' (UTC|Z)$', '') AS TIMESTAMP) AS TIMESTAMP WITH TIME ZONE)
                        ELSE CAST(CAST(trino_refuse('Value cannot be cast here to timestamp with time zone (UTC only): ' || x) AS VARCHAR)
                                  AS TIMESTAMP WITH TIME ZONE) END,
    (x DATE) AS CAST(x AS TIMESTAMP WITH TIME ZONE),
    (x TIMESTAMP) AS CAST(x AS TIMESTAMP WITH TIME ZONE),
    (x TIMESTAMP WITH TIME ZONE) AS x;

CREATE MACRO trino_varchar
    (x VARCHAR) AS x,
    (x BOOLEAN) AS CAST(x AS VARCHAR),
    (x BIGINT) AS CAST(x AS VARCHAR),
    (x HUGEINT) AS CAST(x AS VARCHAR),
    (x DOUBLE) AS CAST(trino_refuse('a double as varchar is not rendered here: cast it to bigint, or select it') AS VARCHAR),
    (x DECIMAL(38, 1)) AS CAST(trino_refuse('a decimal as varchar is not rendered here: select it') AS VARCHAR),
    (x DATE) AS CAST(x AS VARCHAR),
    (x TIMESTAMP) AS strftime(x, '%Y-%m-%d %H:%M:%S.%g'),
    (x TIMESTAMP WITH TIME ZONE) AS strftime(x, '%Y-%m-%d %H:%M:%S.%g') || ' UTC';

-- ---------------------------------------------------------------- arithmetic and comparison

CREATE MACRO trino_divide
    (a INTEGER, b INTEGER) AS a // b,
    (a BIGINT, b BIGINT) AS a // b,
    (a HUGEINT, b HUGEINT) AS a // b,
    (a DOUBLE, b DOUBLE) AS a / b,
    (a DECIMAL(38, 1), b DECIMAL(38, 1))
        AS trino_refuse('Trino rounds the quotient of decimals to their scale; here, cast one to double or write 1e2 for 100.0');

CREATE MACRO trino_round
    (x BIGINT) AS x,
    (x DOUBLE) AS round(x),
    (x DECIMAL(38, 1)) AS trino_refuse('round() of a decimal: cast it to double'),
    (x BIGINT, digits) AS CAST(round(x, digits) AS BIGINT),
    (x DOUBLE, digits) AS round(x, digits),
    (x DECIMAL(38, 1), digits) AS trino_refuse('round() of a decimal: cast it to double');

CREATE MACRO trino_not_decimal
    (x BIGINT) AS x,
    (x HUGEINT) AS x,
    (x DOUBLE) AS x,
    (x DECIMAL(38, 1)) AS trino_refuse('avg() of a decimal: cast it to double');

CREATE MACRO trino_number
    (x VARCHAR) AS trino_refuse('TYPE_MISMATCH: a varchar cannot be compared with a number: quote it, or cast the varchar'),
    (x) AS x;

CREATE MACRO trino_text
    (x VARCHAR) AS x,
    (x) AS CAST(trino_refuse('TYPE_MISMATCH: only a varchar can be compared with a string: cast one of them') AS VARCHAR);

-- ---------------------------------------------------------------- dates and times

CREATE MACRO trino_shift
    (x DATE, i INTERVAL) AS CASE WHEN CAST(CAST(x + i AS DATE) AS TIMESTAMP) = x + i THEN CAST(x + i AS DATE)
                                 ELSE CAST(CAST(trino_refuse('Cannot add hour, minutes or seconds to a date') AS VARCHAR) AS DATE) END,
    (x TIMESTAMP, i INTERVAL) AS x + i,
    (x TIMESTAMP WITH TIME ZONE, i INTERVAL) AS x + i,
    (x INTERVAL, i INTERVAL) AS x + i;

CREATE MACRO trino_minus
    (a DATE, b DATE) AS trino_refuse('the difference of dates is an interval: use date_diff'),
    (a, b) AS a - b;

CREATE MACRO trino_date_trunc
    (unit, x DATE) AS CAST(date_trunc(unit, x) AS DATE),
    (unit, x TIMESTAMP) AS date_trunc(unit, x),
    (unit, x TIMESTAMP WITH TIME ZONE) AS date_trunc(unit, x);

CREATE MACRO trino_from_iso8601_timestamp(x) AS
    CASE WHEN regexp_full_match(x, '[0-9]{4}-[0-9]{2}-[0-9]{2}(T([0-9]{2}(:[0-9]{2}(:[0-9]{2}([.,][0-9]{1,9})?)?)?)?(Z|[+-][0-9]{2}(:?[0-9]{2})?)?)?')
         THEN CAST(regexp_extract(x, '^[0-9-]{10}') || ' '
                   || coalesce(nullif(regexp_extract(x, 'T([0-9]{2})', 1), ''), '00') || ':'
                   || coalesce(nullif(regexp_extract(x, 'T[0-9]{2}:([0-9]{2})', 1), ''), '00') || ':'
                   || coalesce(nullif(regexp_extract(x, 'T[0-9]{2}:[0-9]{2}:([0-9]{2})', 1), ''), '00')
                   || replace(regexp_extract(x, '[.,][0-9]{1,3}'), ',', '.')
                   || coalesce(nullif(regexp_extract(x, 'T.*([+-][0-9]{2}(:?[0-9]{2})?)$', 1), ''), '+00')
              AS TIMESTAMP WITH TIME ZONE)
         ELSE CAST(CAST(trino_refuse('Invalid format: "' || x || '" is no ISO 8601 timestamp') AS VARCHAR) AS TIMESTAMP WITH TIME ZONE) END;

CREATE MACRO trino_from_iso8601_date(x) AS
    CASE WHEN regexp_full_match(x, '[0-9]{4}-[0-9]{2}-[0-9]{2}') THEN CAST(x AS DATE)
         ELSE CAST(CAST(trino_refuse('Invalid format: "' || x || '" is no ISO 8601 date') AS VARCHAR) AS DATE) END;

CREATE MACRO trino_to_iso8601
    (x DATE) AS CAST(x AS VARCHAR),
    (x TIMESTAMP) AS strftime(x, '%Y-%m-%dT%H:%M:%S.%g'),
    (x TIMESTAMP WITH TIME ZONE) AS strftime(x, '%Y-%m-%dT%H:%M:%S.%gZ');

-- ---------------------------------------------------------------- strings and arrays

CREATE MACRO trino_regexp_extract(x, pattern, ingroup) AS
    CASE WHEN regexp_matches(x, pattern) THEN regexp_extract(x, pattern, ingroup) END;

CREATE MACRO trino_split_part(x, delimiter, n) AS
    CASE WHEN n < 1 THEN CAST(trino_refuse('Index must be greater than zero') AS VARCHAR)
         WHEN n <= len(string_split(x, delimiter)) THEN split_part(x, delimiter, n) END;

CREATE MACRO trino_substr
    (x, start) AS CASE WHEN start = 0 OR start < -length(x) THEN '' ELSE substring(x, start) END,
    (x, start, size) AS CASE WHEN start = 0 OR start < -length(x) THEN '' ELSE substring(x, start, size) END;

CREATE MACRO trino_element_at(x, i) AS
    CASE WHEN i = 0 THEN x[CAST(trino_refuse('SQL array indices start at 1') AS BIGINT)] ELSE x[i] END;

CREATE MACRO trino_array_distinct(x) AS list_filter(x, lambda v, i: list_position(x, v) = i);

CREATE MACRO trino_sequence
    (a BIGINT, b BIGINT) AS CASE WHEN a <= b THEN generate_series(a, b) ELSE generate_series(a, b, -1) END,
    (a BIGINT, b BIGINT, step BIGINT) AS generate_series(a, b, step),
    (a DATE, b DATE) AS list_transform(generate_series(a, b, INTERVAL 1 DAY), lambda t: CAST(t AS DATE)),
    (a DATE, b DATE, step INTERVAL) AS list_transform(generate_series(a, b, step), lambda t: CAST(t AS DATE)),
    (a TIMESTAMP, b TIMESTAMP, step INTERVAL) AS generate_series(a, b, step),
    (a TIMESTAMP WITH TIME ZONE, b TIMESTAMP WITH TIME ZONE, step INTERVAL) AS generate_series(a, b, step);
