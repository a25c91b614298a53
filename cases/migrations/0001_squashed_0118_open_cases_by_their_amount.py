"""An empty database gets the tables of 0001 to 0118 in one step; one that has some of them takes the rest one by one.

Drawing the models for every step takes half a minute of CPU, and an empty database has no rows to carry along.
A new migration names the newest numbered one as what it depends on, never this one.
"""

from importlib import import_module
from pathlib import Path

from cases.ledger.guards import EnableGuards, RedrawGuards
from cases.migrations import FirstMigration

LAST = Path(__file__).stem.partition("_squashed_")[2]
REPLACED = sorted(
    path.stem for path in Path(__file__).parent.glob("0*.py") if "_squashed_" not in path.stem and path.stem <= LAST
)


class Migration(FirstMigration):
    """Every operation of those it replaces in their order, and one that guards every table at the end."""

    initial = True
    dependencies = [("auth", "0012_alter_user_first_name_max_length")]
    replaces = [("cases", name) for name in REPLACED]
    operations = [
        operation
        for name in REPLACED
        for operation in import_module(f"cases.migrations.{name}").Migration.operations
        if not isinstance(operation, EnableGuards | RedrawGuards)
    ] + [EnableGuards()]
