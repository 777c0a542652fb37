"""The endpoint's access log: one line of fields for each request, and the pattern that finds lines of a status.

"Customize HTTP API access logs" lists the variables. Every POST is a line, which is charged by its bytes, and
CloudWatch gives it a time anyway. No variable here contains the query string, so no token is logged.

When API Gateway cannot invoke the function (no permission, or throttled), it answers 5xx by itself, the function's log
stays empty, and only `integrationError` has the reason ("Troubleshooting issues with HTTP API Lambda integrations").
"""

FIELDS = {
    "status": "$context.status",
    "functionStatus": "$context.integration.status",  # the receiver's answer, if there was one
    "lambdaStatus": "$context.integration.integrationStatus",
    "ip": "$context.identity.sourceIp",
    "requestId": "$context.requestId",
    # Texts with spaces.
    "error": '"$context.error.message"',
    "integrationError": '"$context.integrationErrorMessage"',
}
FORMAT = " ".join(FIELDS.values())


def filter_pattern(condition: str) -> str:
    """Give the pattern of CloudWatch Logs for lines whose status meets a condition, such as `= 503` or `!= 200`.

    Source: "Filter pattern syntax", space-delimited log events; a text in double quotes is one field.
    """
    return f"[{', '.join([f'status {condition}', *list(FIELDS)[1:]])}]"
