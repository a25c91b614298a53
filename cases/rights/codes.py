"""Codes of people's rights, each with its words: rights, purposes, channels, ways in, outcomes, refusals."""

from __future__ import annotations

from dataclasses import dataclass

from cases.kernel.office.codelists import CodeList

__all__ = [
    "ALL",
    "ASSESSMENT",
    "BESIDE",
    "CAME_BY",
    "CHANGES",
    "CHANNELS",
    "CONSENT_STANDS_ON",
    "CONSENT_STANDS_ON_ANY",
    "COPY_WITHHELD_FOR",
    "EVIDENCE_KINDS",
    "GIVEN",
    "IDENTITY",
    "LIFT",
    "NEEDS_CONSENT",
    "NEEDS_OPT_OUT",
    "OPT_OUTS",
    "ERASE",
    "OUTCOMES",
    "PORT",
    "PURPOSES",
    "REFUSALS",
    "RESTRICT",
    "RIGHTS",
    "ROLES",
    "SCREENS",
    "SERVICE",
    "STOPS_USE",
    "WITHHELD",
    "WITHHELD_FOR",
    "Change",
]

ALL = "all"
SERVICE = "service"
CHANNELS = (
    ("phone", "Telephone"),
    ("post", "Post"),
    ("email", "E-mail"),
    ("sms", "Text message"),
    ("banner", "Online banner"),
    ("app", "Notice in an app"),
    ("set_top_box", "Notice on the TV box"),
)
# What the notice says we do with people's data to market (R7 to R28) and to ask them (R42), each a purpose of its own.
PURPOSES = (
    ("own_marketing", "Telling people of our own products"),
    ("spend_advice", "Advice on spending and a more suitable product"),
    ("profiling_marketing", "A profile for marketing"),
    ("online_ads", "Advertising online, with other brands"),
    ("personalise", "Making messages personal"),
    ("usage_data", "Using call, browser and TV records"),
    ("third_party_marketing", "Marketing other organisations' products"),
    ("research", "Surveys and market research"),
)
# The assessment on which a purpose stands that nobody has to agree to, UK GDPR Art 6(1)(f) (R21).
ASSESSMENT = "marketing_lia"
# Off until the person says yes: (purpose, channel) with `all` for every channel (R20, R22, R27, R28).
NEEDS_CONSENT: frozenset[tuple[str, str]] = frozenset(
    {
        ("usage_data", ALL),
        ("personalise", ALL),
        ("third_party_marketing", ALL),
        *((purpose, channel) for purpose in ("own_marketing", "spend_advice") for channel in ("email", "sms")),
    }
)

_MARKETING = ("own_marketing", "spend_advice", "third_party_marketing")
# How a message lets whoever gets it opt out of more, and which messages have to (R23).
OPT_OUTS = (
    ("reply", "By answering it"),
    ("link", "By a link in it"),
    ("phone", "By a free telephone call"),
    ("settings", "In their account or app"),
)
NEEDS_OPT_OUT = frozenset((purpose, channel) for purpose in _MARKETING for channel in ("email", "sms"))
_PROFILING = ("profiling_marketing", "personalise", "online_ads")


@dataclass(frozen=True, kw_only=True)
class Change:
    """What a right changes at once in what a person chose. Without `channels`, those that were asked for, or all."""

    purposes: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    is_allowed: bool = False
    is_asked_by_channel: bool = False


STOP_MARKETING = "stop_marketing"
GIVE_CONSENT = "give_consent"
ACCESS, PORT, ERASE = "access", "portability", "erase"
RESTRICT, LIFT, OBJECT = "restrict", "lift_restriction", "object_li"
# What is done only where something stops the use of what is held, UK GDPR Art 18 and 21(1).
STOPS_USE = frozenset({RESTRICT, OBJECT})
CHANGES: dict[str, Change] = {
    STOP_MARKETING: Change(purposes=_MARKETING, is_asked_by_channel=True),
    "stop_profiling": Change(purposes=_PROFILING, channels=(ALL,)),
    "stop_research": Change(purposes=("research",), is_asked_by_channel=True),
    "withdraw_sms_email": Change(purposes=_MARKETING, channels=("sms", "email")),
    "withdraw_usage_data": Change(purposes=("usage_data", "personalise"), channels=(ALL,)),
    "withdraw_third_party": Change(purposes=("third_party_marketing",), channels=(ALL,)),
    GIVE_CONSENT: Change(is_allowed=True, is_asked_by_channel=True),
}
# A stop of everything stops the profile made for it too, one of a screen the advertising on it, UK GDPR Art 21(2), (3).
WITH_STOP_OF_ALL = _PROFILING
WITH_STOP_OF_A_SCREEN = ("online_ads",)
SCREENS = frozenset({"banner", "app", "set_top_box"})
# On which of the things a person is reached by a consent has to stand: a text or e-mail on the number or address it
# goes to (PECR reg 22), anything else on what is theirs alone or their account's, never on a home they share.
CONSENT_STANDS_ON: dict[str, frozenset[str]] = {
    "phone": frozenset({"phone"}),
    "sms": frozenset({"phone"}),
    "email": frozenset({"email"}),
}
CONSENT_STANDS_ON_ANY = frozenset({"phone", "email", "account"})
RIGHTS = (
    (STOP_MARKETING, "Stop marketing"),
    ("stop_profiling", "Stop profiling for marketing"),
    ("stop_research", "Stop surveys and market research"),
    ("withdraw_sms_email", "Withdraw consent to text and e-mail"),
    ("withdraw_usage_data", "Withdraw consent to use call, browser and TV records"),
    ("withdraw_third_party", "Withdraw consent to others' marketing"),
    (GIVE_CONSENT, "Give consent"),
    (ACCESS, "Access: a copy of what is held"),
    (PORT, "Take their data elsewhere"),
    ("rectify", "Put right what is wrong"),
    (ERASE, "Erase"),
    (RESTRICT, "Restrict use"),
    (LIFT, "End a restriction of use"),
    (OBJECT, "Object to use in our own interests"),
    ("correction_help", "Help with a notice of correction"),
)
CAME_BY = CodeList(
    "rights_came_by",
    "People's rights: how a request reached us",
    (
        ("text_message", "Text message"),
        ("email", "E-mail"),
        ("web_form", "Web form"),
        ("phone", "Telephone"),
        ("letter", "Letter"),
        ("shop", "In a shop"),
        ("app", "App"),
        ("unsubscribe_link", "Link in a message"),
    ),
    is_open=True,
)
IDENTITY = (
    ("known_address", "Answered from an address we know"),
    ("account_questions", "Questions about the account"),
    ("document", "Document seen"),
    ("video", "Video call"),
)
# Of what somebody wants put right alone: the person is told in the officer's words why it stays as it is.
RECTIFY, UNCHANGED = "rectify", "nothing_to_change"
OUTCOMES = (
    ("done", "Done as asked"),
    ("done_in_part", "Done in part"),
    ("nothing_held", "Nothing is held"),
    (UNCHANGED, "Nothing needs changing"),
)
REFUSALS = (
    ("unfounded", "Manifestly unfounded"),
    ("excessive", "Excessive"),
    ("identity_not_proved", "Identity was not proved"),
    ("compelling_grounds", "Compelling grounds of ours"),
    ("legal_claims", "Needed for legal claims"),
    ("legal_duty", "Kept under a legal duty"),
    ("accurate", "The data is accurate"),
    ("exempt", "An exemption applies"),
)
# Why a part of what was asked is not done: who they are is known by then, and what was done was no refusal.
KEPT_BECAUSE = tuple(each for each in REFUSALS if each[0] not in ("unfounded", "excessive", "identity_not_proved"))
# Why a text about a person is not given to them: UK GDPR Art 15(4), Data Protection Act 2018 Sch 2 paras 2, 16 and 19.
# The same words whatever the ground, and where there is none to name.
WITHHELD = "Not in this pack: it is about somebody else, or the law lets us keep it."
WITHHELD_FOR = (
    ("other_people", "It is about other people"),
    ("legal_advice", "Legal advice or proceedings"),
    ("prejudice", "Telling would prejudice an enquiry"),
    ("not_about_them", "It is not about them"),
)
# Of a redacted copy alone: it keeps nothing from the person that the original is not decided on for.
COPY_WITHHELD_FOR = ("other_version", "It was redacted for somebody else, or another version is given")
GIVEN = (
    ("recorded_post", "Recorded post"),
    ("in_person", "Handed over in person"),
    ("protected_download", "Download that only they can open"),
)
ROLES = (("person", "Person concerned"), ("representative", "Acts for them"))
BESIDE = frozenset({"representative"})
CORRECTION, AUTHORITY = "correction", "authority_to_act"
EVIDENCE_KINDS = CodeList(
    "rights_evidence",
    "People's rights: kinds of document",
    (
        ("request", "What the person sent"),
        ("identity", "Proof of identity"),
        (AUTHORITY, "Authority to act for them"),
        ("reply", "Reply to the person"),
        (CORRECTION, "What shows that it was put right or restricted elsewhere"),
    ),
    is_open=True,
)
