"""What somebody typed and has not sent."""

import cases.ledger.sealed
import django.db.models.deletion
import uuid
from django.conf import settings
from django.db import migrations, models

from cases.migrations import Migration


class Migration(Migration):
    """None to begin with."""

    dependencies = [
        ('cases', '0108_views_of_the_queue_are_kept'),
    ]

    operations = [
        migrations.CreateModel(
            name='Draft',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('uid', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('place', models.CharField(max_length=300)),
                ('page', models.CharField(max_length=300)),
                ('body', cases.ledger.sealed.SealedTextField()),
                ('saved_at', models.DateTimeField()),
                ('case', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='drafts', to='cases.case')),
                ('key', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='cases.datakey')),
                ('owner', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='drafts', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('owner', 'place'), name='one_draft_of_a_form')],
            },
        ),
    ]
