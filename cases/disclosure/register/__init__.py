"""The register of disclosures to public authorities, and what inspectors audit in reverse.

Who receives: the disclosure unit alone; the file for inspectors goes by hand to the Investigatory Powers Commissioner's
Office. Legal basis: Investigatory Powers Act 2016 ss.227 to 235. It is worked out from the cases and kept nowhere.
"""
