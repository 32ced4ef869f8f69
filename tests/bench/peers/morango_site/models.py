"""One record of a village's log, as a morango user would model it."""

import os

from django.db import models
from morango.models.core import SyncableModel


class Entry(SyncableModel):
    morango_profile = "bench"
    morango_model_name = "entry"

    kind = models.IntegerField()
    wall_ms = models.BigIntegerField()
    trusted = models.BooleanField()
    body = models.TextField()

    class Meta:
        app_label = "morango_site"

    def calculate_source_id(self, *args, **kwargs):
        return None  # morango makes a random one

    def calculate_partition(self, *args, **kwargs):
        return os.environ["MORANGO_PARTITION"]
