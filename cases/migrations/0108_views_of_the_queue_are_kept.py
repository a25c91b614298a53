"""Views of the queue, kept for a person or a team."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from cases.migrations import Migration


class Migration(Migration):
    """No view to begin with: those in cookies are not taken over."""

    dependencies = [
        ('cases', '0107_on_which_documents_something_left'),
    ]

    operations = [
        migrations.CreateModel(
            name='SavedView',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=40)),
                ('query', models.CharField(max_length=400)),
                ('is_pinned', models.BooleanField(default=False)),
                ('made_at', models.DateTimeField()),
                ('owner', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='saved_views', to=settings.AUTH_USER_MODEL)),
                ('team', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='saved_views', to='cases.team')),
            ],
            options={
                'constraints': [models.UniqueConstraint(condition=models.Q(('team', None)), fields=('owner', 'name'), name='one_view_of_a_name'), models.UniqueConstraint(condition=models.Q(('team__isnull', False)), fields=('team', 'name'), name='one_team_view_of_a_name')],
            },
        ),
    ]
