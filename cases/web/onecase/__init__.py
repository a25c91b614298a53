"""The pages of one case: reading it, what is done to it, its people, documents and links; opening one."""
