"""Django looks here for models; each package defines its own."""

from cases.accounts.models import *  # noqa: F403
from cases.association.models import *  # noqa: F403
from cases.credit.defaults.models import *  # noqa: F403
from cases.credit.files.models import *  # noqa: F403
from cases.credit.models import *  # noqa: F403
from cases.debt.models import *  # noqa: F403
from cases.debt.moratorium.models import *  # noqa: F403
from cases.debt.sale.models import *  # noqa: F403
from cases.disclosure.breach.models import *  # noqa: F403
from cases.disclosure.emergency.models import *  # noqa: F403
from cases.disclosure.models import *  # noqa: F403
from cases.disclosure.partners.models import *  # noqa: F403
from cases.disclosure.transfer.models import *  # noqa: F403
from cases.fraud.models import *  # noqa: F403
from cases.fraud.suspicion.models import *  # noqa: F403
from cases.fraud.trace.models import *  # noqa: F403
from cases.kernel.models import *  # noqa: F403
from cases.ledger.models import *  # noqa: F403
from cases.rights.models import *  # noqa: F403
