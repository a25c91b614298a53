"""Default on an account: from the first missed payment over the notice of intention to six years on file.

Who receives: credit reference agencies. Legal basis: UK GDPR Art 6(1)(f). Deadline: 28 days after service of the
notice; between three and six months after the first missed payment. Retention: 6 years.
"""
