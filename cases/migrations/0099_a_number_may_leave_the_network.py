"""The network tells that a number left it: of its SIM nobody here knows any more."""

from django.db import migrations, models

from cases.migrations import Migration


class Migration(Migration):
    """The kind of what the network told; one of each kind of a number at one moment."""

    dependencies = [
        ('cases', '0098_answers_keep_opt_out_and_batch'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='simevent',
            name='one_event_per_sim_change',
        ),
        migrations.AddField(
            model_name='simevent',
            name='kind',
            field=models.CharField(db_default='swap', default='swap', max_length=8),
        ),
        migrations.AddConstraint(
            model_name='simevent',
            constraint=models.UniqueConstraint(fields=('token', 'swapped_at', 'kind'), name='one_event_of_a_kind_per_moment'),
        ),
        migrations.AddConstraint(
            model_name='simevent',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['swap', 'left'])), name='sim_event_kind'),
        ),
    ]
