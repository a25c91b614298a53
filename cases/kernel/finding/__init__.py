"""Finding cases and people over sealed data, and saying that two are one."""
