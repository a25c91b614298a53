"""manage.py metrics: how the office is, in the text format of Prometheus."""

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from cases.kernel.reading import metrics

PREFIX = "backoffice_"


class Command(BaseCommand):
    """For a timer that writes a file which a collector reads. No case, no person, nothing restricted."""

    help = "Print how old what waits is, what is stuck and how the ledger is, as Prometheus reads it."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Print one line for each number, under what it means."""
        before = ""
        for gauge in metrics.gauges(now=timezone.now()):
            name = PREFIX + gauge.name
            if name != before:
                self.stdout.write(f"# HELP {name} {gauge.help}\n# TYPE {name} gauge")
            before = name
            labels = ",".join(f'{key}="{value}"' for key, value in gauge.labels.items())
            value = "+Inf" if gauge.value == metrics.NEVER else f"{float(gauge.value):g}"
            self.stdout.write(f"{name}{{{labels}}} {value}" if labels else f"{name} {value}")
