"""Ways of carrying bytes to an agency, one module each. The registry below is all of them."""

from cases.agencies.transports import https, smtp
from cases.agencies.transports.base import Answer, Parcel, Transport


def _by_sftp(parcel: Parcel) -> Answer:
    from cases.agencies.transports import sftp  # noqa: PLC0415 -- a fifth of what a process takes to start

    return sftp.send(parcel)


TRANSPORTS: dict[str, Transport] = {"https": https.send, "sftp": _by_sftp, "smtp": smtp.send}
