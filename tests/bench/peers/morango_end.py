"""Morango's two ends; runs with morango's own Python.

    make DATABASE            a database with certificates; says its partition
    fill DATABASE RECORDS    write the records of that JSON file into it
    serve DATABASE PORT      Django's development server, as morango's documentation runs it
    push DATABASE PORT       on each line on stdin push everything to the server; says how long that took
    count DATABASE           how many records are there

DATABASE is an SQLite file. The partition comes by MORANGO_PARTITION.
"""

import json
import os
import sys
import time
from pathlib import Path

PROFILE, SCOPE = "bench", "all"


def begin(database):
    os.environ["MORANGO_DATABASE"] = database
    os.environ.setdefault("MORANGO_PARTITION", "")
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.bench.peers.morango_site.settings"
    import django

    django.setup()


def say(**what):
    print(json.dumps(what), flush=True)


def make():
    """Both ends get a copy: a root certificate for the server, a child of it for the client."""
    from django.core.management import call_command
    from morango.models.certificates import Certificate, Key, ScopeDefinition

    call_command("migrate", run_syncdb=True, verbosity=0)
    ScopeDefinition.objects.create(
        id=SCOPE, profile=PROFILE, version=1, primary_scope_param_key="owner", description="all of ${owner}",
        read_filter_template="", write_filter_template="", read_write_filter_template="${owner}",
    )  # fmt: skip
    root = Certificate.generate_root_certificate(SCOPE)
    child = Certificate(
        parent=root, profile=PROFILE, scope_definition=root.scope_definition, scope_version=1,
        scope_params=root.scope_params,
    )  # fmt: skip
    child.private_key = Key()
    root.sign_certificate(child)
    child.save()
    os.environ["MORANGO_PARTITION"] = root.id
    say(partition=root.id)


def fill(records):
    from django.db import transaction

    from tests.bench.peers.morango_site.models import Entry

    with transaction.atomic():
        for kind, wall_ms, trusted, body in json.loads(Path(records).read_text("utf-8")):
            Entry(kind=kind, wall_ms=wall_ms, trusted=trusted, body=json.dumps(body, ensure_ascii=False)).save()
    say(filled=Entry.objects.count())


def serve(port):
    from django.core.management import call_command

    call_command("runserver", f"127.0.0.1:{port}", use_reloader=False, verbosity=0)


def push(port):
    from morango.models.certificates import Certificate, Filter
    from morango.sync.controller import MorangoProfileController

    root = Certificate.objects.get(parent=None)
    child = Certificate.objects.get(parent=root)
    say(ready=True)
    while sys.stdin.readline():
        begin_s = time.monotonic()
        connection = MorangoProfileController(PROFILE).create_network_connection(f"http://127.0.0.1:{port}/")
        session = connection.create_sync_session(child, root)
        client = session.get_push_client()
        client.initialize(Filter(root.id))
        client.run()
        client.finalize()
        connection.close_sync_session(session.sync_session)
        connection.close()
        say(elapsed_s=time.monotonic() - begin_s, sent=connection.bytes_sent, received=connection.bytes_received)


def count():
    from tests.bench.peers.morango_site.models import Entry

    say(records=Entry.objects.count())


if __name__ == "__main__":
    what, where, *more = sys.argv[1:]
    begin(where)
    {"make": make, "fill": fill, "serve": serve, "push": push, "count": count}[what](*more)
