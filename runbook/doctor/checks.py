"""Which function makes which check."""

from collections.abc import Callable, Mapping

from runbook.doctor import (
    bucket,
    catalog,
    catalogue,
    drains,
    endpoint,
    identities,
    objects,
    parameters,
    queues,
    searches,
)
from runbook.doctor.catalogue import Check
from runbook.doctor.examination import Examination, Surroundings

FUNCTIONS: Mapping[Check, Callable[[Surroundings], Examination]] = {
    catalogue.DRAINS: drains.examine,
    catalogue.ENDPOINT: endpoint.examine,
    catalogue.PARAMETERS: parameters.examine,
    catalogue.QUEUES: queues.queues,
    catalogue.OBJECTS: objects.newest,
    catalogue.LAYOUT: objects.layout,
    catalogue.BUCKET: bucket.examine,
    catalogue.WRITER: identities.writer,
    catalogue.READER: identities.reader,
    catalogue.CATALOG: catalog.examine,
    catalogue.WORKGROUP: searches.workgroup,
    catalogue.LINES: searches.lines,
    catalogue.LOSSES: searches.losses,
    catalogue.ALARMS: queues.alarms,
}
