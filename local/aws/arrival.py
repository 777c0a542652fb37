"""How a stand-in tells the local gateway that a POST arrives at another time than now."""

# Milliseconds since 1970. The gateway puts it into requestContext.timeEpoch and hides it from the receiver, so a
# week of traffic can be drained in seconds and land under its own days. AWS has no such header.
ARRIVAL_HEADER = "X-Local-Arrival-Ms"
