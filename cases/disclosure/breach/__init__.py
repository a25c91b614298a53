"""Personal data breaches: what went wrong with people's data, who is told of it, and what is done.

Who receives: the Information Commissioner, or, where the secrecy of the Investigatory Powers Act forbids that, the
Investigatory Powers Commissioner (IPA 2016 s.235A). Legal basis: PECR 2003 reg 5A; UK GDPR Art 33. Deadline: K09, 72
hours from awareness; later only with the reasons. Retention: 5 years. Any colleague reports; only the data protection
officer's compartment reads, since a breach may come from a matter that is itself secret.
"""
