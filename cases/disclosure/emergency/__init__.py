"""Emergency disclosures: what a control room is told at once about a call to the emergency services.

Who receives: the control room that the directory names, called back on the directory's number. Legal basis:
Investigatory Powers Act 2016 s.11(3A)(f) and PECR 2003 reg 16, on UK GDPR Art 6(1)(d) and (f). Deadlines: K05, one hour
after the call, in which no authorisation is needed; K06, the record within an hour of the disclosure and its check
within one working day. Retention: 2 years. Nobody outside the compartment learns of one. Nothing here waits for a
broker, a mail server, a scanner or a company's sign-in.
"""
