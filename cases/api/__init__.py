"""The API for machines: callbacks of agencies and intake by own systems, both signed. Translates; decides nothing."""
