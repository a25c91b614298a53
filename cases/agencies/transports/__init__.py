"""Ways of carrying bytes to an agency, one module each. The registry below is all of them."""

from cases.agencies.transports import https, sftp, smtp
from cases.agencies.transports.base import Transport

TRANSPORTS: dict[str, Transport] = {"https": https.send, "sftp": sftp.send, "smtp": smtp.send}
