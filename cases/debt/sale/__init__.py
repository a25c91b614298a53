"""The sale of debts to another firm: which accounts, for how much, who agreed, who was told, what came back.

Who receives: a buyer of debts, a controller of its own. Legal basis: UK GDPR Art 6(1)(f); the notice says that we may
sell a debt. Deadline: none to sell; claims within the window of the agreement (K26). Retention: 12 years from its end.
"""
