"""How periods are counted, under which rule, and what happens because time passes."""
