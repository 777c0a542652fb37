"""The archive of Heroku logs, as one stack."""

import pulumi

from contract import drain_url, names
from contract.alarms import Watched
from contract.outputs import exported
from contract.saved_queries import saved_queries
from contract.vended_metrics import Resource
from infra import lookups
from infra.archive import Archive, ArchiveArgs
from infra.buffer import Buffer, BufferArgs
from infra.canary import Canary, CanaryArgs
from infra.catalog import Catalog, CatalogArgs
from infra.deletions import Deletions, DeletionsArgs
from infra.destroy_guard import DestroyGuard
from infra.digester import Digester, DigesterArgs
from infra.drain_keys import DrainKeys, DrainKeysArgs
from infra.drains import Drains, DrainsArgs
from infra.endpoint import Endpoint, EndpointArgs
from infra.flusher import Flusher, FlusherArgs
from infra.identities import Identities, IdentitiesArgs
from infra.parameters import Parameters, ParametersArgs
from infra.providers import providers
from infra.receiver import Receiver, ReceiverArgs
from infra.settings import Settings
from infra.spill import Spill, SpillArgs
from infra.watch import Watch, WatchArgs
from infra.workgroup import Workgroup, WorkgroupArgs

settings = Settings.load()
given = providers(settings.region, settings.allowed_account_ids, settings.tags)
opts = given.options
# Look up what must already exist before anything is created.
caller = lookups.caller(given.aws)
lookups.check_account(settings.environment, settings.allowed_account_ids, caller.account)
break_glass_arns = lookups.break_glass_arns(settings.break_glass_arns, settings.break_glass_user, given.aws)
app_ids = lookups.app_ids(settings.apps, settings.app_ids, given.heroku) if settings.drains_enabled else {}
principals = lookups.principals(settings, caller, break_glass_arns)

archive = Archive(
    "archive",
    ArchiveArgs(
        bucket_name=settings.bucket_name,
        archive_after_days=settings.archive_after_days,
        expire_after_days=settings.expire_after_days,
        results_expire_after_days=settings.results_expire_after_days,
        principals=principals,
        object_locks=settings.object_lock_days > 0,
        protect=settings.protect_archive,
    ),
    opts,
)
catalog = Catalog(
    "catalog",
    CatalogArgs(
        database_name=settings.database_name,
        table_name=settings.table_name,
        bucket=archive.bucket.bucket,
        apps=settings.apps + settings.retired_apps,
    ),
    opts,
)
athena = Workgroup(
    "athena",
    WorkgroupArgs(
        name=settings.workgroup_name,
        bucket=archive.bucket.bucket,
        account=caller.account,
        scan_limit_gib=settings.scan_limit_gib,
        database=catalog.database,
        queries=[query.on_table(settings.database_name, settings.table_name) for query in saved_queries()],
    ),
    opts,
)
drain_keys = DrainKeys(
    "drain-keys",
    DrainKeysArgs(
        generation=settings.token_generation,
        accept_previous=settings.accept_previous_token,
        accept_replaced=settings.accept_replaced_token,
        apps=settings.apps,
        parameter_prefix=settings.parameter_prefix,
    ),
    opts,
)
spill = Spill("spill", SpillArgs(settings.name_prefix, principals, protect=settings.protect_archive), opts)
buffer = Buffer("buffer", BufferArgs(settings.name_prefix, principals, protect=settings.protect_archive), opts)
flusher = Flusher(
    "flusher",
    FlusherArgs(
        name_prefix=settings.name_prefix,
        apps=settings.apps,
        bucket=archive.bucket,
        spill_queue=spill.queue,
        table=buffer.table,
        flush_minutes=settings.flush_minutes,
        object_lock_days=settings.object_lock_days,
        memory_mb=settings.flusher_memory_mb,
        log_days=settings.receiver_log_days,
    ),
    opts,
)
identities = Identities(
    "identities",
    IdentitiesArgs(
        reader_role_name=settings.reader_role_name,
        restorer_role_name=settings.restorer_role_name,
        writer_user_name=settings.writer_user_name,
        writer_runs_receiver=settings.writer_runs_receiver,
        break_glass_arns=break_glass_arns,
        restore_arns=settings.restore_arns or break_glass_arns,
        break_glass_mfa=settings.break_glass_mfa,
        object_locks=settings.object_lock_days > 0,
        bucket=archive.bucket,
        workgroup=athena.workgroup,
        database=catalog.database,
        table=catalog.table,
        view=catalog.view,
        token_hashes=drain_keys.hashes[0],
        spill_queue=spill.queue,
        buffer=buffer.table,
        flusher=flusher.function,
        canary=names.canary_function(settings.name_prefix),
    ),
    opts,
)
receiver = Receiver(
    "receiver",
    ReceiverArgs(
        name_prefix=settings.name_prefix,
        apps=settings.apps,
        bucket=archive.bucket,
        drain_keys=drain_keys,
        parameter_prefix=settings.parameter_prefix,
        spill_queue=spill.queue,
        table=buffer.table,
        flusher=flusher.function,
        flush_minutes=settings.flush_minutes,
        object_lock_days=settings.object_lock_days,
        answer_after_ms=settings.answer_after_ms,
        memory_mb=settings.receiver_memory_mb,
        reserved_concurrency=settings.reserved_concurrency,
        log_days=settings.receiver_log_days,
    ),
    opts,
)
endpoint = Endpoint(
    "endpoint",
    EndpointArgs(
        name_prefix=settings.name_prefix,
        generation=settings.endpoint_generation,
        requests_per_second=settings.requests_per_second,
        function=receiver.function,
        log_days=settings.receiver_log_days,
    ),
    opts,
)
digester = Digester(
    "digester",
    DigesterArgs(
        name_prefix=settings.name_prefix,
        bucket=archive.bucket,
        account_arn=flusher.function.arn,
        flusher=flusher.function,
        object_lock_days=settings.object_lock_days,
        log_days=settings.receiver_log_days,
    ),
    opts,
)
deletions = Deletions("deletions", DeletionsArgs(settings.name_prefix, principals, archive.bucket), opts)
watch = Watch(
    "watch",
    WatchArgs(
        watched=Watched(
            name_prefix=settings.name_prefix,
            parameter_prefix=settings.parameter_prefix,
            silence_hours=settings.silence_of_apps,
            flush_minutes=settings.flush_minutes,
            drains_enabled=settings.drains_enabled,
        ),
        resources={
            Resource.API: endpoint.api.id,
            Resource.RECEIVER: receiver.function.name,
            Resource.FLUSHER: flusher.function.name,
            Resource.CANARY: names.canary_function(settings.name_prefix),
            Resource.DIGESTER: digester.function.name,
            Resource.BUFFER: buffer.table.name,
            Resource.SPILL_QUEUE: spill.queue.name,
            Resource.DEAD_LETTERS: spill.dead_letters.name,
            Resource.DELETIONS: deletions.queue.name,
            Resource.BUCKET: archive.bucket.bucket,
        },
        endpoints=settings.alarm_addresses,
        topic_key=settings.alarm_topic_key,
        account_arn=flusher.function.arn,
        region=settings.region,
        workgroup=settings.workgroup_name,
        budget_usd=settings.budget_usd,
        budget_tag=settings.budget_tag_value,
    ),
    opts,
)
drain_urls = {app: drain_keys.url(endpoint.url, app) for app in settings.apps}
outputs = exported(
    bucket=archive.bucket.bucket,
    endpoint=pulumi.Output.concat(endpoint.url, drain_url.DRAIN_PATH),
    reader_role_arn=identities.reader.arn,
    restorer_role_arn=identities.restorer.arn,
    writer_user_arn=identities.writer.arn,
    break_glass_arns=principals.break_glass,
    deployer_arns=principals.deployers,
    workgroup=athena.workgroup.name,
    database=catalog.database.name,
    table=catalog.table.name,
    view=catalog.view.name,
    apps=settings.apps,
    retired_apps=settings.retired_apps,
    parameter_prefix=settings.parameter_prefix,
    spill_queue=spill.queue.url,
    dead_letter_queue=spill.dead_letters.url,
    buffer=buffer.table.name,
    flusher=flusher.function.name,
    flush_minutes=settings.flush_minutes,
    receiver=receiver.function.name,
    name_prefix=settings.name_prefix,
    region=settings.region,
    project=pulumi.get_project(),
    stack=pulumi.get_stack(),
    drains_enabled=settings.drains_enabled,
    archive_after_days=settings.archive_after_days,
    expire_after_days=settings.expire_after_days,
    results_expire_after_days=settings.results_expire_after_days,
    silence_hours=settings.silence_hours,
    silence_hours_by_app=settings.own_silence_hours,
    alarm_topic_arn=watch.topic.arn,
    dashboard=watch.dashboard_url,
    budget_usd=settings.budget_usd,
)
parameters = Parameters(
    "parameters",
    ParametersArgs(
        prefix=settings.parameter_prefix,
        principals=principals,
        bucket_arn=archive.bucket.arn,
        reader=identities.reader,
        outputs=outputs,
        token_hashes=drain_keys.hashes,
        drain_urls=drain_urls,
    ),
    opts,
)
canary = Canary(
    "canary",
    CanaryArgs(
        name_prefix=settings.name_prefix,
        apps=settings.apps,
        parameter_prefix=settings.parameter_prefix,
        drain_urls=parameters.drain_urls,
        table=buffer.table,
        deletions=deletions.queue,
        flusher=flusher.function,
        flush_minutes=settings.flush_minutes,
        log_days=settings.receiver_log_days,
    ),
    opts,
)
everything = [
    *(archive, catalog, athena, identities, drain_keys, spill, buffer, flusher, receiver, endpoint, parameters),
    *(digester, deletions, watch, canary),
]
drains = (
    [Drains("drains", DrainsArgs(urls=drain_urls, app_ids=app_ids, behind=everything), opts)]
    if settings.drains_enabled
    else []
)
DestroyGuard("destroy-guard", [*given, *everything, *drains], protect=settings.protect_archive)
for name, value in outputs.items():
    pulumi.export(name, value)
