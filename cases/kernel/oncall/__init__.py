"""Who is rung when something urgent waits for a restricted team: routes, alerts, what became of the rings."""
