"""Which function makes which check."""

from collections.abc import Callable, Mapping

from runbook.doctor import faults
from runbook.doctor.checks import (
    bucket,
    drains,
    endpoint,
    glue_catalog,
    identities,
    objects,
    parameters,
    queries,
    queues,
)
from runbook.doctor.examination import Examination, Surroundings
from runbook.doctor.faults import Check

FUNCTIONS: Mapping[Check, Callable[[Surroundings], Examination]] = {
    faults.DRAINS: drains.examine,
    faults.ENDPOINT: endpoint.examine,
    faults.PARAMETERS: parameters.examine,
    faults.QUEUES: queues.queues,
    faults.OBJECTS: objects.newest,
    faults.LAYOUT: objects.layout,
    faults.BUCKET: bucket.examine,
    faults.WRITER: identities.writer,
    faults.READER: identities.reader,
    faults.CATALOG: glue_catalog.examine,
    faults.WORKGROUP: queries.workgroup,
    faults.LINES: queries.lines,
    faults.LOSSES: queries.losses,
    faults.ALARMS: queues.alarms,
}
