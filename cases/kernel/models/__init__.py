"""Rows of the kernel, one module per noun."""

from cases.kernel.models.access import *  # noqa: F403
from cases.kernel.models.agencies import *  # noqa: F403
from cases.kernel.models.approvals import *  # noqa: F403
from cases.kernel.models.cases import *  # noqa: F403
from cases.kernel.models.delivery import *  # noqa: F403
from cases.kernel.models.desk import *  # noqa: F403
from cases.kernel.models.erasing import *  # noqa: F403
from cases.kernel.models.evidence import *  # noqa: F403
from cases.kernel.models.figures import *  # noqa: F403
from cases.kernel.models.jobs import *  # noqa: F403
from cases.kernel.models.links import *  # noqa: F403
from cases.kernel.models.office import *  # noqa: F403
from cases.kernel.models.oncall import *  # noqa: F403
from cases.kernel.models.parties import *  # noqa: F403
from cases.kernel.models.people import *  # noqa: F403
from cases.kernel.models.policydocs import *  # noqa: F403
from cases.kernel.models.proposals import *  # noqa: F403
from cases.kernel.models.releases import *  # noqa: F403
from cases.kernel.models.reports import *  # noqa: F403
from cases.kernel.models.restricted import *  # noqa: F403
from cases.kernel.models.rules import *  # noqa: F403
from cases.kernel.models.search import *  # noqa: F403
from cases.kernel.models.work import *  # noqa: F403
