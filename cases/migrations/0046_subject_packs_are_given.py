import django.db.models.deletion
from django.db import migrations, models

from cases.migrations import Migration


class Migration(Migration):

    dependencies = [
        ('cases', '0045_breach_tells_apart'),
    ]

    operations = [
        migrations.AddField(
            model_name='auditreport',
            name='data_blob',
            field=models.OneToOneField(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='cases.storedblob'),
        ),
        migrations.AddField(
            model_name='historicalauditreport',
            name='data_blob',
            field=models.ForeignKey(blank=True, db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='cases.storedblob'),
        ),
        migrations.AddField(
            model_name='historicalrightsrequest',
            name='given_how',
            field=models.CharField(blank=True, db_default='', default='', editable=False, max_length=24),
        ),
        migrations.AddField(
            model_name='historicalrightsrequest',
            name='given_proof',
            field=models.CharField(blank=True, db_default='', default='', editable=False, max_length=60),
        ),
        migrations.AddField(
            model_name='historicalrightsrequest',
            name='pack',
            field=models.ForeignKey(blank=True, db_constraint=False, db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='cases.auditreport'),
        ),
        migrations.AddField(
            model_name='rightsrequest',
            name='given_how',
            field=models.CharField(blank=True, db_default='', default='', editable=False, max_length=24),
        ),
        migrations.AddField(
            model_name='rightsrequest',
            name='given_proof',
            field=models.CharField(blank=True, db_default='', default='', editable=False, max_length=60),
        ),
        migrations.AddField(
            model_name='rightsrequest',
            name='pack',
            field=models.ForeignKey(editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='cases.auditreport'),
        ),
    ]
