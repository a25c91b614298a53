"""A foreign key whose column begins another index has none of its own."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from cases.migrations import Migration


class Migration(Migration):
    """Fewer indexes to write, and the same rows to be found by.

    With the index of a foreign key Django drops every other one of that column alone, the three constraints with a
    condition among them: these are taken away before and put back."""

    dependencies = [
        ('cases', '0115_mail_of_the_morning'),
    ]

    operations = [
        migrations.AlterField(
            model_name='accessanswer',
            name='review',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='answers', to='cases.accessreview'),
        ),
        migrations.AlterField(
            model_name='accountfault',
            name='upload',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='faults', to='cases.accountupload'),
        ),
        migrations.AlterField(
            model_name='accountholder',
            name='account',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='holders', to='cases.account'),
        ),
        migrations.AlterField(
            model_name='accountmonth',
            name='account',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='months', to='cases.account'),
        ),
        migrations.AlterField(
            model_name='accountuploadpart',
            name='upload',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='parts', to='cases.accountupload'),
        ),
        migrations.AlterField(
            model_name='addressholder',
            name='case',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='address_holders', to='cases.case'),
        ),
        migrations.AlterField(
            model_name='agencylink',
            name='case',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='agency_links', to='cases.case'),
        ),
        migrations.AlterField(
            model_name='approvaldecision',
            name='approval',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='decisions', to='cases.approval'),
        ),
        migrations.AlterField(
            model_name='authoritycontact',
            name='agency',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='contacts', to='cases.agency'),
        ),
        migrations.AlterField(
            model_name='breakglass',
            name='user',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='broken_glass', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AlterField(
            model_name='bureautold',
            name='account',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='told', to='cases.account'),
        ),
        migrations.AlterField(
            model_name='callback',
            name='agency',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='callbacks', to='cases.agency'),
        ),
        migrations.AlterField(
            model_name='caseparty',
            name='case',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='parties', to='cases.case'),
        ),
        migrations.AlterField(
            model_name='checkdecision',
            name='case',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='check_decisions', to='cases.case'),
        ),
        migrations.AlterField(
            model_name='contactanswer',
            name='agency',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='cases.agency'),
        ),
        migrations.AlterField(
            model_name='creditfilecopy',
            name='file',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='copies', to='cases.creditfile'),
        ),
        migrations.AlterField(
            model_name='creditfilefault',
            name='file',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='faults', to='cases.creditfile'),
        ),
        migrations.AlterField(
            model_name='creditfilepart',
            name='file',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='parts', to='cases.creditfile'),
        ),
        migrations.AlterField(
            model_name='creditfilereject',
            name='copy',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='rejects', to='cases.creditfilecopy'),
        ),
        migrations.AlterField(
            model_name='debtsaleaccount',
            name='sale',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='lines', to='cases.debtsale'),
        ),
        migrations.AlterField(
            model_name='deliveryattempt',
            name='message',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='tries', to='cases.outboxmessage'),
        ),
        migrations.AlterField(
            model_name='disclosureerror',
            name='case',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='disclosure_errors', to='cases.case'),
        ),
        migrations.AlterField(
            model_name='draft',
            name='owner',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='drafts', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AlterField(
            model_name='evidence',
            name='case',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='evidence', to='cases.case'),
        ),
        migrations.AlterField(
            model_name='figurespart',
            name='figures',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='parts', to='cases.figures'),
        ),
        migrations.AlterField(
            model_name='incomingnotice',
            name='case',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='incoming_notices', to='cases.case'),
        ),
        migrations.AlterField(
            model_name='intakerequest',
            name='agency',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='intake_requests', to='cases.agency'),
        ),
        migrations.AlterField(
            model_name='itemground',
            name='case',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='item_grounds', to='cases.case'),
        ),
        migrations.AlterField(
            model_name='job',
            name='asked_by',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='jobs', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AlterField(
            model_name='jobrow',
            name='job',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='rows', to='cases.job'),
        ),
        migrations.AlterField(
            model_name='moratoriumdebt',
            name='case',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='moratorium_debts', to='cases.case'),
        ),
        migrations.AlterField(
            model_name='oncallalert',
            name='team',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='cases.team'),
        ),
        migrations.AlterField(
            model_name='oncallring',
            name='alert',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='rings', to='cases.oncallalert'),
        ),
        migrations.AlterField(
            model_name='outboxmessage',
            name='channel',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='messages', to='cases.channel'),
        ),
        migrations.RemoveConstraint(model_name='outboxmessage', name='one_in_flight_per_stream'),
        migrations.AlterField(
            model_name='outboxmessage',
            name='stream',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='messages', to='cases.stream'),
        ),
        migrations.AddConstraint(
            model_name='outboxmessage',
            constraint=models.UniqueConstraint(condition=models.Q(('is_ordered', True), ('state', 'sending')), fields=('stream',), name='one_in_flight_per_stream'),
        ),
        migrations.AlterField(
            model_name='packagepart',
            name='case',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='package_parts', to='cases.case'),
        ),
        migrations.RemoveConstraint(model_name='partneragreement', name='one_live_agreement_per_partner'),
        migrations.AlterField(
            model_name='partneragreement',
            name='agency',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='partner_agreements', to='cases.agency'),
        ),
        migrations.AddConstraint(
            model_name='partneragreement',
            constraint=models.UniqueConstraint(condition=models.Q(('is_live', True)), fields=('agency',), name='one_live_agreement_per_partner'),
        ),
        migrations.AlterField(
            model_name='personpair',
            name='first',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='cases.caseparty'),
        ),
        migrations.AlterField(
            model_name='personpair',
            name='second',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='cases.caseparty'),
        ),
        migrations.AlterField(
            model_name='pillaranswer',
            name='case',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='pillar_answers', to='cases.case'),
        ),
        migrations.AlterField(
            model_name='pillarevidence',
            name='answer',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='links', to='cases.pillaranswer'),
        ),
        migrations.AlterField(
            model_name='proposal',
            name='about',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AlterField(
            model_name='proposal',
            name='maker',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AlterField(
            model_name='releasedperson',
            name='release',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='people', to='cases.release'),
        ),
        migrations.AlterField(
            model_name='remittance',
            name='agency',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='cases.agency'),
        ),
        migrations.AlterField(
            model_name='remittanceline',
            name='remittance',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='lines', to='cases.remittance'),
        ),
        migrations.AlterField(
            model_name='salebid',
            name='sale',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='bids', to='cases.debtsale'),
        ),
        migrations.RemoveConstraint(model_name='saleclaim', name='one_open_claim_per_line'),
        migrations.AlterField(
            model_name='saleclaim',
            name='line',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='claims', to='cases.debtsaleaccount'),
        ),
        migrations.AddConstraint(
            model_name='saleclaim',
            constraint=models.UniqueConstraint(condition=models.Q(('outcome', '')), fields=('line',), name='one_open_claim_per_line'),
        ),
        migrations.AlterField(
            model_name='salelook',
            name='sale',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='looks', to='cases.debtsale'),
        ),
        migrations.AlterField(
            model_name='saletape',
            name='sale',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='tapes', to='cases.debtsale'),
        ),
        migrations.AlterField(
            model_name='saletapepart',
            name='tape',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='parts', to='cases.saletape'),
        ),
        migrations.AlterField(
            model_name='search',
            name='agency',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='cases.agency'),
        ),
        migrations.AlterField(
            model_name='stream',
            name='case',
            field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='streams', to='cases.case'),
        ),
        migrations.AlterField(
            model_name='tracehop',
            name='case',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='trace_hops', to='cases.case'),
        ),
    ]
